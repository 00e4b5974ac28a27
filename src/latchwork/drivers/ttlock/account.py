"""An account of the platform, called: signed in, and signed in anew when the platform asks."""

import hashlib
from datetime import timedelta
from typing import Final, TypeVar

from latchwork.domain.errors import LatchworkError, NeedsAttention
from latchwork.domain.pin import Secret
from latchwork.drivers.clouds.http import Answer, CloudHttp, refusal
from latchwork.drivers.clouds.model import AnswerLost
from latchwork.drivers.clouds.tokens import Answered, Token, Tokens
from latchwork.drivers.protocol import DriverContext
from latchwork.drivers.ttlock.failures import QUOTA_SPENT, TOKEN_VOID, TOO_MANY_CALLS, error_of
from latchwork.drivers.ttlock.wire import Failure, to_ms

T = TypeVar("T")

NAME: Final = "The TTLock platform"
QUIET: Final = timedelta(minutes=1)
LONG_QUIET: Final = timedelta(hours=1)


class PlatformError(Exception):
    """An answer with one of the platform's error codes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    @property
    def meaning(self) -> LatchworkError:
        return error_of(self.code)


class Account:
    """`call` answers what a path answers, as a type; errors come as PlatformError."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._http = CloudHttp(context.settings["url"], NAME, context.clock)
        self._tokens = Tokens(context.store, context.clock, self._origin(), self._sign_in)

    async def call(self, path: str, kind: type[T], **values: object) -> T:
        """A form by POST, with what every call needs added."""
        token = await self._tokens.access()
        answer, code = await self._send(path, token, values)
        if code in TOKEN_VOID:
            token = await self._tokens.access(token)
            answer, code = await self._send(path, token, values)
        if code == TOO_MANY_CALLS:
            raise self._http.hold(QUIET)
        if code == QUOTA_SPENT:
            self._http.hold(LONG_QUIET)
        if code:
            raise PlatformError(code)
        return answer.read(kind, path)

    async def _send(
        self, path: str, token: Secret, values: dict[str, object]
    ) -> tuple[Answer, int]:
        form = {
            "clientId": self._context.settings["client_id"],
            "accessToken": token.reveal(),
            "date": str(to_ms(self._context.clock.now())),
            **{name: str(value) for name, value in values.items()},
        }
        answer = await self._http.call("POST", path, form=form)
        return answer, _code_of(answer, path)

    async def _sign_in(self, standing: Token | None) -> Token:
        """With the refresh token while it is good, else with the password."""
        if standing is not None and standing.refresh is not None:
            try:
                return await self._token(
                    {"grant_type": "refresh_token", "refresh_token": standing.refresh.reveal()}
                )
            except NeedsAttention:
                pass
        hashed = hashlib.md5(
            self._context.secrets["password"].reveal().encode(), usedforsecurity=False
        ).hexdigest()
        return await self._token(
            {
                "grant_type": "password",
                "username": self._context.settings["username"],
                "password": hashed,
            }
        )

    async def _token(self, grant: dict[str, str]) -> Token:
        client = {
            "clientId": self._context.settings["client_id"],
            "clientSecret": self._context.secrets["client_secret"].reveal(),
        }
        answer = await self._http.call("POST", "/oauth2/token", form={**client, **grant})
        if code := _code_of(answer, "/oauth2/token"):
            raise error_of(code)
        answered = answer.read(Answered, "/oauth2/token")
        return answered.token(self._context.clock.now(), None, self._origin())

    def _origin(self) -> str:
        settings, secrets = self._context.settings, self._context.secrets
        parts = (settings["client_id"], settings["username"], secrets["password"].reveal())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    async def aclose(self) -> None:
        await self._http.aclose()


def _code_of(answer: Answer, path: str) -> int:
    if answer.status >= 500:
        raise AnswerLost(f"{NAME} failed with status {answer.status}.")
    if not answer.ok:
        raise refusal(answer, NAME, path)
    return answer.read(Failure, path).errcode
