// The console works without this script, but for keeping itself up to date.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) {
  document.cookie = `latchwork_zone=${zone};path=/console;max-age=31536000;samesite=strict`;
}

// Live: one stream while the page is looked at, so that many open tabs take no connections.
const live = document.body?.dataset.live;
let stream = null;
const refresh = () => document.body.dispatchEvent(new Event("changed"));
const follow = () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else if (!stream) {
    stream = new EventSource(live);
    stream.addEventListener("changed", refresh);
  }
};
if (live) {
  follow();
  document.addEventListener("visibilitychange", () => {
    follow();
    if (!document.hidden) refresh();
  });
  setInterval(() => document.hidden || refresh(), 60000);
}

// What a bar of the timeline says, shown beside it on hover and on focus.
const tip = document.getElementById("tip");
const show = (event) => {
  const bar = event.target.closest?.("[data-tip]");
  if (!bar || !tip) return;
  tip.textContent = bar.dataset.tip;
  tip.hidden = false;
  const box = bar.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left), innerWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
};
const hide = () => {
  if (tip) tip.hidden = true;
};
document.addEventListener("mouseover", show);
document.addEventListener("focusin", show);
document.addEventListener("mouseout", hide);
document.addEventListener("focusout", hide);
document.addEventListener("scroll", hide, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});

// A question before what cannot be taken back; and no form is sent twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const ask = event.submitter?.dataset.ask ?? form.dataset.ask;
  if (ask && !confirm(ask)) {
    event.preventDefault();
    return;
  }
  if (form.dataset.sent) event.preventDefault();
  else if (form.method === "post" && !form.hasAttribute("hx-post")) form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A secret to the clipboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  button.textContent = "Copied";
});
