// Shortcuts: / search, T touch, R referral, G then T C R A, J K rows, Enter open, E done, S snooze, ? sheet, Esc close.
// Off while typing, and off altogether when Settings say so (no data-shortcuts on the body).
const GO = { t: "/", c: "/contacts/", r: "/referrals/", a: "/reports/" };
const SHEET = [
  ["/", "Search"], ["T", "Log a touch"], ["R", "Log a referral"], ["G then T", "Go to Today"], ["G then C", "Go to Contacts"],
  ["G then R", "Go to Referrals"], ["G then A", "Go to Analytics"], ["J K", "Next and previous row"], ["Enter", "Open the row"],
  ["E", "Mark the row as done"], ["S", "Snooze the row"], ["?", "This list"], ["Esc", "Close"],
];

class KeyMap extends HTMLElement {
  connectedCallback() {
    this.going = false;
    this.listener = (event) => this.pressed(event);
    document.addEventListener("keydown", this.listener);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.listener);
  }

  pressed(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && this.undo(event)) return;
    if (!("shortcuts" in document.body.dataset) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (this.going) {
      this.going = false;
      if (GO[key]) location.assign(GO[key]);
      return;
    }
    const action = this.actions()[key];
    if (action && action() !== false) event.preventDefault();
  }

  // The builder's undo is kept on the server; inside a field the browser's own undo is meant.
  undo(event) {
    const button = document.querySelector("button[data-undo]");
    if (!button || event.target.closest("input, textarea, select, [contenteditable]")) return false;
    event.preventDefault();
    button.click();
    return true;
  }

  actions() {
    return {
      "/": () => this.search(),
      g: () => { this.going = true; setTimeout(() => { this.going = false; }, 1500); },
      t: () => location.assign("/contacts/log-touch"),
      r: () => location.assign("/referrals/new"),
      j: () => this.move(1),
      k: () => this.move(-1),
      e: () => this.press("[data-done]"),
      s: () => this.press("[data-snooze]"),
      "?": () => this.sheet(),
    };
  }

  search() {
    const field = document.getElementById("site-search");
    if (field?.offsetParent) field.focus();
    else location.assign("/search");
  }

  rows() {
    return [...document.querySelectorAll("main .rows > .row-item, main tbody > tr")];
  }

  move(by) {
    const rows = this.rows();
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
    const link = next?.querySelector("a[href], button");
    if (!link) return false;
    link.focus();
    return true;
  }

  press(selector) {
    const row = this.rows().find((one) => one.contains(document.activeElement));
    const button = (row ?? document.querySelector("main .row-item.is-first"))?.querySelector(selector);
    button?.click();
    return Boolean(button);
  }

  sheet() {
    const dialog = document.createElement("dialog");
    dialog.className = "dialog";
    dialog.setAttribute("aria-label", "Keyboard shortcuts");
    const title = document.createElement("h2");
    title.textContent = "Keyboard shortcuts";
    const list = document.createElement("dl");
    list.className = "key-list";
    for (const [keys, text] of SHEET) {
      const name = document.createElement("dt");
      const key = document.createElement("kbd");
      key.textContent = keys;
      name.append(key);
      const said = document.createElement("dd");
      said.textContent = text;
      list.append(name, said);
    }
    const close = document.createElement("button");
    close.className = "btn btn-line";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.append(title, list, close);
    this.append(dialog);
    dialog.showModal();
  }
}

customElements.define("key-map", KeyMap);
