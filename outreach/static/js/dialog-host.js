// Opens native dialogs: the page's one dialog when a fragment arrives in it, others by [data-dialog="id"].
// Focus returns to what opened it (the browser does that for modal dialogs).
class DialogHost extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.body = this.querySelector("#dialog-body");
    document.addEventListener("outreach:arrived", (event) => {
      if (event.target === this.body) this.arrived();
    });
    document.addEventListener("close-dialog", () => this.dialog.close()); // HX-Trigger: close-dialog
    document.addEventListener("click", (event) => this.clicked(event));
    this.dialog.addEventListener("close", () => this.body.replaceChildren());
  }

  arrived() {
    if (!this.body.childElementCount) return this.dialog.close();
    const title = this.body.querySelector("h1, h2, h3");
    this.dialog.setAttribute("aria-label", title ? title.textContent.trim() : "Details");
    if (!this.dialog.open) this.dialog.showModal();
    this.body.querySelector("[data-focus], [autofocus]")?.focus();
  }

  clicked(event) {
    const opener = event.target.closest("[data-dialog]");
    const wanted = opener && document.getElementById(opener.dataset.dialog);
    if (wanted) {
      event.preventDefault();
      wanted.showModal();
    } else if (event.target.matches("dialog[open]")) {
      event.target.close(); // a click on the veil
    } else if (event.target.closest("[data-close-dialog]")) {
      event.preventDefault();
      event.target.closest("dialog")?.close();
    }
  }
}

customElements.define("dialog-host", DialogHost);
