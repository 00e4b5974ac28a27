"""Errors on the wire, in Seam's shape: {"error": {"type", "message", "data"?,
"validation_errors"?}, "ok": false}.

One table turns the house's errors into HTTP; messages name the rule that was broken and never hold
what the caller sent.
"""

from typing import Any

from latchwork.domain.errors import (
    Conflict,
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)


class ApiError(Exception):
    """An answer other than 200. `validation` maps fields to what is wrong with them."""

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        data: dict[str, Any] | None = None,
        validation: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.data = data
        self.validation = validation
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"type": self.error_type, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        if self.validation is not None:
            fields = {name: {"_errors": texts} for name, texts in self.validation.items()}
            error["validation_errors"] = {"_errors": [], **fields}
        return {"error": error, "ok": False}


def invalid(message: str, **fields: str) -> ApiError:
    """400 invalid_input; `fields` says what is wrong with which parameter."""
    validation = {name: [text] for name, text in fields.items()} or None
    return ApiError(400, "invalid_input", message, validation=validation)


def not_found(what: str) -> ApiError:
    """404, with a type such as device_not_found."""
    words = what.replace("_", " ").capitalize()
    return ApiError(404, f"{what}_not_found", f"{words} not found.")


def from_domain(error: LatchworkError) -> ApiError:
    """What an error of the house means to a caller."""
    if isinstance(error, Rejected):
        return invalid(str(error), **{error.rule: str(error)})
    if isinstance(error, Conflict):
        return ApiError(409, "conflict", str(error))
    if isinstance(error, Unsupported):
        return ApiError(400, "unsupported", str(error))
    if isinstance(error, NeedsAttention):
        return ApiError(503, "needs_attention", str(error))
    after = error.after if isinstance(error, RetryLater) else None
    seconds = 1 if after is None else max(1, round(after.total_seconds()))
    return ApiError(503, "service_unavailable", str(error), headers={"retry-after": str(seconds)})
