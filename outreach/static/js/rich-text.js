// A text block: Squire over the <textarea> that works alone, written back on every change.
// Allowed: p br strong b em i a[href] ul ol li, links to https, mailto and tel. The server cleans again with the same list.
const ALLOWED = {
  ALLOWED_TAGS: ["p", "br", "strong", "b", "em", "i", "a", "ul", "ol", "li"],
  ALLOWED_ATTR: ["href"],
  ALLOWED_URI_REGEXP: /^(?:https:|mailto:|tel:)/i,
  ALLOW_DATA_ATTR: false,
};
const DETAIL = /\{\{\s*([a-z][a-z0-9_]*)\s*(?:\|([^{}|\r\n]*))?\}\}/g;
const TOOLS = [
  ["bold", "Bold"], ["italic", "Italic"], ["link", "Link"], ["bullets", "Bullets"], ["numbers", "Numbers"],
  ["detail", "Detail about the contact"], ["undo", "Undo"], ["redo", "Redo"],
];

class RichText extends HTMLElement {
  connectedCallback() {
    this.area = this.querySelector("textarea");
    if (!this.area || this.editor || typeof Squire === "undefined" || typeof DOMPurify === "undefined") return;
    this.details = JSON.parse(this.dataset.details || "[]");
    this.frame = document.createElement("div");
    this.frame.className = "rich";
    this.surface = document.createElement("div");
    this.surface.className = "rich-text";
    this.frame.append(this.toolbar(), this.surface);
    this.area.hidden = true;
    this.area.after(this.frame);
    this.start();
  }

  disconnectedCallback() {
    this.editor?.destroy();
    this.editor = null;
    this.frame?.remove();
    if (this.area) this.area.hidden = false;
  }

  start() {
    this.editor = new Squire(this.surface, {
      blockTag: "P",
      sanitizeToDOMFragment: (html) => this.clean(html),
      addLinks: false,
    });
    this.editor.setHTML(asParagraphs(this.area.value));
    this.chips();
    const label = this.querySelector(`label[for="${this.area.id}"]`);
    this.surface.setAttribute("role", "textbox");
    this.surface.setAttribute("aria-multiline", "true");
    this.surface.setAttribute("aria-label", label ? label.textContent.trim() : "Text");
    for (const name of ["aria-describedby", "aria-invalid"]) {
      if (this.area.hasAttribute(name)) this.surface.setAttribute(name, this.area.getAttribute(name));
    }
    label?.addEventListener("click", () => this.editor.focus());
    this.editor.addEventListener("input", () => this.writeBack());
    this.editor.addEventListener("pathChange", () => this.pressed());
  }

  clean(html) {
    const text = DOMPurify.sanitize(html, ALLOWED);
    const holder = document.createElement("template");
    holder.innerHTML = text;
    return document.importNode(holder.content, true);
  }

  // Details show as chips but are kept as {{ name }} text: a chip that was edited becomes plain text again.
  chips() {
    const walker = document.createTreeWalker(this.surface, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) if (walker.currentNode.data.match(DETAIL) && !walker.currentNode.parentElement.closest(".detail")) found.push(walker.currentNode);
    for (const node of found) {
      const parts = document.createDocumentFragment();
      let last = 0;
      for (const hit of node.data.matchAll(DETAIL)) {
        parts.append(node.data.slice(last, hit.index), this.chip(hit[1], hit[2]?.trim()));
        last = hit.index + hit[0].length;
      }
      parts.append(node.data.slice(last));
      node.replaceWith(parts);
    }
  }

  chip(name, fallback = "") {
    const chip = document.createElement("span");
    chip.className = "detail";
    chip.contentEditable = "false";
    chip.dataset.detail = fallback ? `${name} | ${fallback}` : name;
    if (fallback) chip.title = `Without one: ${fallback}`;
    chip.textContent = (this.details.find(([key]) => key === name) ?? [name, name.replaceAll("_", " ")])[1];
    return chip;
  }

  value() {
    const copy = this.surface.cloneNode(true);
    for (const chip of copy.querySelectorAll(".detail")) chip.replaceWith(chip.dataset.detail ? `{{ ${chip.dataset.detail} }}` : chip.textContent);
    return DOMPurify.sanitize(copy.innerHTML, ALLOWED).replaceAll("\u200b", "");
  }

  writeBack() {
    const value = this.value();
    if (value === this.area.value) return;
    this.area.value = value;
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  toolbar() {
    const bar = document.createElement("div");
    bar.className = "rich-bar";
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "Formatting");
    for (const [tool, label] of TOOLS) {
      if (tool === "detail" && !this.details.length) continue;
      const button = document.createElement("button");
      Object.assign(button, { type: "button", title: label, tabIndex: bar.childElementCount ? -1 : 0 });
      button.setAttribute("aria-label", label);
      button.dataset.tool = tool;
      const icon = this.querySelector("template")?.content.querySelector(`[data-icon="${tool}"]`);
      button.append(icon ? icon.cloneNode(true) : label);
      bar.append(button);
    }
    bar.addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
    bar.addEventListener("click", (event) => this.use(event.target.closest("[data-tool]")?.dataset.tool));
    bar.addEventListener("keydown", (event) => arrows(event, bar));
    this.bar = bar;
    return bar;
  }

  use(tool) {
    const editor = this.editor;
    const on = (tag) => editor.hasFormat(tag);
    const acts = {
      bold: () => (on("B") || on("STRONG") ? editor.removeBold() : editor.bold()),
      italic: () => (on("I") || on("EM") ? editor.removeItalic() : editor.italic()),
      bullets: () => (on("UL") ? editor.removeList() : editor.makeUnorderedList()),
      numbers: () => (on("OL") ? editor.removeList() : editor.makeOrderedList()),
      link: () => this.askLink(),
      detail: () => this.askDetail(),
      undo: () => { editor.undo(); this.writeBack(); },
      redo: () => { editor.redo(); this.writeBack(); },
    };
    acts[tool]?.();
    this.pressed();
  }

  pressed() {
    const tags = { bold: ["B", "STRONG"], italic: ["I", "EM"], bullets: ["UL"], numbers: ["OL"], link: ["A"] };
    for (const [tool, names] of Object.entries(tags)) {
      this.bar.querySelector(`[data-tool="${tool}"]`)?.setAttribute("aria-pressed", String(names.some((tag) => this.editor.hasFormat(tag))));
    }
  }

  askLink() {
    if (this.closePanel("rich-link")) return;
    const panel = document.createElement("div");
    panel.className = "rich-link";
    const field = Object.assign(document.createElement("input"), { type: "url", className: "form-control", placeholder: "https://" });
    field.setAttribute("aria-label", "Address of the link");
    const add = Object.assign(document.createElement("button"), { type: "button", textContent: "Set link" });
    const range = this.editor.getSelection();
    const set = () => {
      this.editor.setSelection(range);
      const href = field.value.trim();
      if (!href) this.editor.removeLink();
      else this.editor.makeLink(ALLOWED.ALLOWED_URI_REGEXP.test(href) ? href : `https://${href}`);
      panel.remove();
      this.writeBack();
    };
    add.addEventListener("click", set);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); set(); }
      if (event.key === "Escape") { panel.remove(); this.editor.focus(); }
    });
    panel.append(field, add);
    this.bar.append(panel);
    field.focus();
  }

  askDetail() {
    if (this.closePanel("rich-details")) return;
    const panel = document.createElement("div");
    panel.className = "rich-details";
    const range = this.editor.getSelection();
    for (const [name, label, fallback] of this.details) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
      button.addEventListener("click", () => {
        this.editor.setSelection(range);
        this.editor.insertElement(this.chip(name, fallback));
        panel.remove();
        this.writeBack();
        this.editor.focus();
      });
      panel.append(button);
    }
    this.bar.append(panel);
    panel.querySelector("button")?.focus();
  }

  closePanel(name) {
    const open = this.bar.querySelector(`.${name}`);
    for (const panel of this.bar.querySelectorAll(".rich-link, .rich-details")) panel.remove();
    return Boolean(open);
  }
}

function asParagraphs(text) {
  if (/<(p|ul|ol)\b/i.test(text)) return text;
  const escaped = Object.assign(document.createElement("div"), { textContent: text }).innerHTML;
  return escaped.split(/\n{2,}/).map((part) => `<p>${part.replaceAll("\n", "<br>")}</p>`).join("");
}

function arrows(event, bar) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const buttons = [...bar.querySelectorAll("[data-tool]")];
  const at = buttons.indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  const next = buttons[(at + step + buttons.length) % buttons.length];
  for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
  next.focus();
}

// A detail for a plain field goes where its cursor stands; without script the button puts it at the end.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  const field = button && document.getElementById(button.dataset.into);
  if (!field) return;
  event.preventDefault();
  const [from, to] = [field.selectionStart, field.selectionEnd];
  const gap = from > 0 && !/\s$/.test(field.value.slice(0, from)) ? " " : "";
  field.setRangeText(gap + button.dataset.insert, from, to, "end");
  button.closest("details").open = false;
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

customElements.define("rich-text", RichText);
