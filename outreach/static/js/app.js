// The only file that knows htmx's event names. Everything here improves pages that work without it.
const root = document.documentElement;
root.classList.remove("no-script");

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]');
  if (token) event.detail.headers["X-CSRFToken"] = token.content;
});

// A fragment arrived: errors get the focus, and the elements of this kit hear about it by our own name.
document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  target.querySelector("[data-focus]")?.focus();
  target.dispatchEvent(new CustomEvent("outreach:arrived", { bubbles: true }));
});

document.addEventListener("htmx:responseError", () => say("The server could not do that. Nothing was lost; please try again.", "error"));
document.addEventListener("htmx:sendError", () => say("No connection. Nothing was lost; we try again when you do.", "error"));

// A form that saves itself is sent once its last save is answered, once for two quick clicks, and saves no more meanwhile:
// of two saves at the same time one would be taken for another person's, or the older one could be the last.
const since = (form) => performance.now() - form.dataset.leaving; // NaN while it stays
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.hasAttribute("hx-post")) return;
  if (since(form) < 1000) return event.preventDefault();
  form.dataset.leaving = performance.now();
  if (!form.classList.contains("htmx-request")) return;
  event.preventDefault();
  const go = () => { delete form.dataset.leaving; form.requestSubmit(event.submitter); };
  form.addEventListener("htmx:afterRequest", () => setTimeout(go), { once: true });
});
document.addEventListener("htmx:confirm", (event) => {
  if (since(event.target) < 10_000) event.preventDefault(); // later it was not left after all
});
document.addEventListener("htmx:afterRequest", (event) => {
  event.detail.elt.dispatchEvent(new CustomEvent("outreach:answered", { bubbles: true }));
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-leaving]")) delete form.dataset.leaving;
});

function say(message, tone) {
  document.dispatchEvent(new CustomEvent("outreach:toast", { detail: { message, tone } }));
}

// A page that arrives with errors starts there.
document.querySelector("main [data-focus]")?.focus();

// A button that prints the page; without script the browser's own menu does.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// Menus are <details>: one is open at a time, Escape and a click elsewhere close it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (location.hash === "#menu") {
    location.hash = "#main";
  }
});

// The phone's menu is the sidebar as the target of a link: what it covers cannot be reached meanwhile.
function coverSheet() {
  const covered = location.hash === "#menu";
  document.querySelector(".sheet")?.toggleAttribute("inert", covered);
  document.querySelector(".bottom-bar")?.toggleAttribute("inert", covered);
}
addEventListener("hashchange", coverSheet);
coverSheet();
