"""Words, buttons and rules: the blocks that need nothing but what was typed."""

from outreach.content.blocks import Block, Context, Data, Field, Paragraph
from outreach.content.details import with_fallbacks, with_labels
from outreach.content.markup import is_link, lines_of, plain_text
from outreach.content.mjml import row, text_row
from outreach.content.problems import Problem, blocker
from outreach.content.segments import TEXT
from outreach.content.writing import html_of, paragraphs_of

PLACEHOLDER_HOSTS = ("example.com", "example.org", "example.net", "yourpractice.com", "www.example.com", "todo")
GREETING_WORDS = (("Dear", "Dear"), ("Hello", "Hello"), ("Hi", "Hi"), ("Hola", "Hola"), ("Bonjour", "Bonjour"))


class Heading(Block):
    """A line in larger letters."""

    name, label, icon = "heading", "Heading", "heading"
    fields = (Field("text", "Heading", max_chars=200),)

    def to_mjml(self, data: Data, context: Context) -> str:
        """One <h2>."""
        if context.plain:
            return text_row(f'<p style="margin:0 0 8px"><b>{context.words(data.get("text", ""))}</b></p>')
        return row("heading", block=data, c=context)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The words in one paragraph."""
        return [context.paragraph(data.get("text", ""))]

    def title(self, data: Data) -> str:
        """With its words."""
        return f"Heading: {with_fallbacks(data['text'])}" if data.get("text") else "Heading"


class Text(Block):
    """Paragraphs and lists."""

    name, label, icon = "text", "Text", "file-text"
    fields = (Field("html", "Text", "html"),)

    def to_mjml(self, data: Data, context: Context) -> str:
        """Our own HTML of the lines."""
        return text_row(context.slot(html_of(lines_of(data.get("html", "")), context)))

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The lines, lists with dashes or numbers."""
        return paragraphs_of(lines_of(data.get("html", "")), context)

    def title(self, data: Data) -> str:
        """With its first words."""
        words = with_labels(plain_text(data.get("html", ""))).split()
        return "Text: " + " ".join(words[:6]) + ("…" if len(words) > 6 else "") if words else "Text"


class Button(Block):
    """One clear next step."""

    name, label, icon = "button", "Button", "click"
    fields = (
        Field("label", "Words on the button", max_chars=60),
        Field("url", "Where it leads", "url", help="Starts with https://", max_chars=2000),
    )

    def to_mjml(self, data: Data, context: Context) -> str:
        """A padded table cell; a plain link in the plain layout."""
        if context.plain:
            label, address = context.words(data.get("label", "")), context.address(data.get("url", ""))
            anchor = f'<a href="{address}" class="link" style="color:{context.colour}">{label}</a>'
            return text_row(f'<p style="margin:0 0 16px">{anchor}</p>')
        return row("button", block=data, c=context)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The words, and the address on a line of its own."""
        words = context.parsed(data.get("label", ""))
        return [Paragraph([*words, ":\n", *context.link(data.get("url", ""), TEXT)])]

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """Words or an address that are missing or cannot work."""
        found = []
        if not data.get("label"):
            found.append(blocker("button-label", "A button has no words on it."))
        url = data.get("url", "")
        if why := link_trouble(url):
            found.append(blocker("broken-link", f"The button “{data.get('label') or 'without words'}” {why}."))
        return found

    def title(self, data: Data) -> str:
        """With its words."""
        return f"Button: {with_fallbacks(data['label'])}" if data.get("label") else "Button"


class Divider(Block):
    """A thin line, or in the plain layout a gap."""

    name, label, icon = "divider", "Divider", "separator"

    def to_mjml(self, data: Data, context: Context) -> str:
        """A rule."""
        return "" if context.plain else row("divider", block=data, c=context)

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """A short rule of dashes."""
        return [] if context.plain else [Paragraph(["-" * 20])]


class Greeting(Block):
    """ "Dear Dr. Raman," or, without a name, "Dear colleague,"."""

    name, label, icon = "greeting", "Greeting", "message"
    fields = (
        Field("word", "Begins with", "choice", default="Dear", choices=GREETING_WORDS),
        Field("fallback", "When there is no name", default="colleague", max_chars=60),
    )

    def to_mjml(self, data: Data, context: Context) -> str:
        """One paragraph."""
        return text_row(f'<p style="margin:0 0 16px">{context.words(self._line(data))}</p>')

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """One line."""
        return [context.paragraph(self._line(data))]

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """A greeting that would be empty without a name."""
        missing = "The greeting needs words for someone without a name, such as “colleague”."
        return [] if data.get("fallback") else [blocker("no-fallback", missing)]

    def title(self, data: Data) -> str:
        """With how it begins."""
        return f"Greeting: {data.get('word') or 'Dear'} …"

    def _line(self, data: Data) -> str:
        fallback = "".join(c for c in data.get("fallback", "") if c not in "{}|")
        return f"{data.get('word') or 'Dear'} {{{{ greeting_name | {fallback} }}}},"


def links_in_text(block: Block, data: Data) -> list[Problem]:
    """What is wrong with the links inside the texts of a block: no address, or one that cannot work."""
    typed = [str(data.get(field.name) or "") for field in block.fields if field.kind == "html"]
    runs = [run for text in typed for line in lines_of(text) for run in line.runs]
    addresses = dict.fromkeys(href for kind, href in runs if kind == "a")
    lost = "A link in the text has no address that mail may carry (https, mailto or tel)."
    wrong = (lost if not url else f"A link in the text {why}." for url in addresses if (why := link_trouble(url)))
    return [blocker("broken-link", text) for text in wrong]


def link_trouble(url: str) -> str:
    """Why an address cannot be linked, as the end of a sentence; empty when it can."""
    if not url:
        return "has no address"
    if not is_link(url):
        return "needs an address that starts with https://"
    host = url.split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0].lower() if url.startswith("https://") else ""
    if "{{" in host or ("{{" in url and host):
        return "has a detail inside its address; an address is the same for everyone"
    if host in PLACEHOLDER_HOSTS or (host and "." not in host):
        return f"still leads to a placeholder ({host})"
    return ""
