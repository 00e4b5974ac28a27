// Says that something is going on. The page works without it.
document.querySelector("form[data-busy]")?.addEventListener("submit", (event) => {
  const form = event.currentTarget;
  const button = form.querySelector("button");
  button.setAttribute("aria-disabled", "true");
  button.textContent = form.dataset.busy;
  form.querySelector(".busy").hidden = false;
  form.addEventListener("submit", (again) => again.preventDefault());
});
