// Dragging for a list whose items also have buttons to move them (the buttons keep working).
// <sort-list data-url="/x/order" data-name="block"><ol>...<li data-id="7">...</ol></sort-list>
// After a drag the order is posted as repeated fields and "outreach:sorted" is sent; hidden fields in the items move along anyway.
class SortList extends HTMLElement {
  connectedCallback() {
    const list = this.querySelector("ol, ul");
    if (!list || typeof Sortable === "undefined") return;
    this.sortable = Sortable.create(list, {
      handle: "[data-grip]",
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 140,
      ghostClass: "is-dragged",
      onEnd: (event) => {
        if (event.oldIndex !== event.newIndex) this.moved(list);
      },
    });
  }

  disconnectedCallback() {
    this.sortable?.destroy();
  }

  moved(list) {
    const ids = [...list.children].map((item) => item.dataset.id).filter(Boolean);
    this.dispatchEvent(new CustomEvent("outreach:sorted", { bubbles: true, detail: { ids } }));
    this.closest("form")?.dispatchEvent(new Event("change", { bubbles: true }));
    if (this.dataset.url) this.post(ids);
  }

  async post(ids) {
    const body = new FormData();
    for (const id of ids) body.append(this.dataset.name || "order", id);
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
    const answer = await fetch(this.dataset.url, { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => null);
    if (!answer?.ok) {
      const detail = { message: "The new order was not saved. Reload the page to see the last saved one.", tone: "error" };
      document.dispatchEvent(new CustomEvent("outreach:toast", { detail }));
    }
  }
}

customElements.define("sort-list", SortList);
