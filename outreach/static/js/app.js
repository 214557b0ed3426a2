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
