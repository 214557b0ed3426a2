// What was typed is kept before the page is left: a link or another form waits until this form is saved. When it cannot
// be saved as it is, the page stays and says why. <save-first><form action="…" method="post" data-keep>…</form></save-first>
class SaveFirst extends HTMLElement {
  connectedCallback() {
    this.typed = (event) => (this.dirty ||= event.target.form === this.form());
    this.leaving = (event) => this.leave(event);
    for (const name of ["input", "change"]) this.addEventListener(name, this.typed);
    for (const name of ["click", "submit"]) document.addEventListener(name, this.leaving);
  }

  disconnectedCallback() {
    for (const name of ["click", "submit"]) document.removeEventListener(name, this.leaving);
  }

  form() {
    return this.querySelector("form[data-keep]");
  }

  leave(event) {
    const form = this.form();
    const away = event.type === "submit" ? event.target : this.link(event);
    if (!form || !away || event.defaultPrevented) return;
    if (this.saving) return event.preventDefault(); // a second click: it is being saved
    if (!this.dirty) return;
    this.dirty = false;
    if (away === form) return;
    event.preventDefault();
    const go = () => (event.type === "submit" ? away.requestSubmit(event.submitter) : location.assign(away.href));
    this.keep(form).then((kept) => (kept ? go() : form.requestSubmit()), () => (this.dirty = true));
  }

  async keep(form) {
    this.saving = true;
    form.dataset.leaving = performance.now(); // it saves itself no more
    let kept = false;
    try {
      kept = await this.save(form);
    } finally {
      this.saving = false;
      if (!kept) delete form.dataset.leaving;
    }
    return kept;
  }

  // A link that leads to another page in this window.
  link(event) {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !plain || link.target || link.origin !== location.origin) return null;
    const same = link.pathname === location.pathname && link.search === location.search;
    return same && link.hash ? null : link;
  }

  async save(form) {
    // What it saves by itself is answered first, so that the older of two saves is never the last.
    const busy = form.classList.contains("htmx-request");
    if (busy) await new Promise((done) => form.addEventListener("outreach:answered", done, { once: true }));
    const sent = { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } };
    return (await fetch(form.action, sent)).ok;
  }
}

customElements.define("save-first", SaveFirst);
