// Dragging in the drawn flow of a campaign: a step is dropped on a plus, where it then stands. The buttons to move it stay.
// <step-drag data-base="/campaigns/3" data-rev="7"><ol class="flow">…</ol></step-drag>
class StepDrag extends HTMLElement {
  connectedCallback() {
    this.addEventListener("dragstart", (event) => this.lift(event));
    this.addEventListener("dragend", () => this.let());
    this.addEventListener("dragover", (event) => this.over(event));
    this.addEventListener("drop", (event) => this.drop(event));
  }

  lift(event) {
    const link = event.target.closest?.(".step-link, .wire-pill[href]");
    this.key = link?.getAttribute("href").match(/\/edit\/(s\d+)/)?.[1];
    if (!this.key) return;
    this.lifted = link.closest("li");
    this.lifted.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", this.key);
  }

  over(event) {
    const plus = this.plus(event);
    this.mark(plus);
    if (plus) event.preventDefault();
  }

  drop(event) {
    const plus = this.plus(event);
    if (!plus) return;
    event.preventDefault();
    const place = new URL(plus.href).searchParams;
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
    const form = document.createElement("form");
    form.method = "post";
    form.action = `${this.dataset.base}/steps/${this.key}/to`;
    const fields = { csrf_token: token, rev: this.dataset.rev };
    for (const name of ["after", "parent", "lane"]) fields[name] = place.get(name) ?? "";
    for (const [name, value] of Object.entries(fields)) {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      form.append(field);
    }
    document.body.append(form);
    form.submit();
  }

  plus(event) {
    return (this.key && event.target.closest?.(".wire")?.querySelector(".wire-add")) || null;
  }

  mark(plus) {
    if (this.marked === plus) return;
    if (this.marked) this.marked.style.outline = "";
    if (plus) plus.style.outline = "3px solid currentColor";
    this.marked = plus;
  }

  let() {
    this.mark(null);
    this.lifted?.classList.remove("is-dragged");
    this.key = undefined;
  }
}

customElements.define("step-drag", StepDrag);
