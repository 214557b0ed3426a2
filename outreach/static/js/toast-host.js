// One toast at a time, for ten seconds, longer while it is read or focused. Its Undo is a plain form.
const SECONDS = 10;

class ToastHost extends HTMLElement {
  connectedCallback() {
    this.timer = null;
    this.addEventListener("click", (event) => {
      if (event.target.closest("[data-close]")) event.target.closest("[data-toast]").remove();
    });
    for (const name of ["pointerenter", "focusin"]) this.addEventListener(name, () => clearTimeout(this.timer));
    for (const name of ["pointerleave", "focusout"]) this.addEventListener(name, () => this.start());
    document.addEventListener("outreach:toast", (event) => this.show(event.detail));
    document.addEventListener("toast", (event) => this.show(event.detail)); // HX-Trigger: {"toast": {"message": "..."}}
    new MutationObserver(() => this.keepLast()).observe(this, { childList: true });
    this.start();
  }

  show(detail) {
    const note = document.createElement("div");
    note.className = `toast-note toast-${detail.tone || "success"}`;
    note.dataset.toast = "";
    const text = document.createElement("p");
    text.textContent = detail.message ?? detail.value ?? String(detail);
    const close = document.createElement("button");
    close.className = "btn btn-quiet btn-sm";
    close.type = "button";
    close.dataset.close = "";
    close.textContent = "Close";
    note.append(text, ...(detail.undo ? [this.undoForm(detail.undo)] : []), close);
    this.append(note);
  }

  undoForm(action) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    form.className = "post-button";
    const token = document.querySelector('meta[name="csrf-token"]')?.content;
    if (token) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "csrf_token", value: token });
      form.append(field);
    }
    const button = document.createElement("button");
    button.className = "btn btn-quiet btn-sm";
    button.textContent = "Undo";
    form.append(button);
    return form;
  }

  keepLast() {
    const notes = this.querySelectorAll("[data-toast]");
    for (const note of [...notes].slice(0, -1)) note.remove();
    this.start();
  }

  start() {
    clearTimeout(this.timer);
    const last = this.querySelector("[data-toast]:not(.toast-error)");
    if (last) this.timer = setTimeout(() => last.remove(), SECONDS * 1000);
  }
}

customElements.define("toast-host", ToastHost);
