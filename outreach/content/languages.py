"""A message in several languages: who reads which, and the words of the footer, which nobody types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from outreach.content.segments import Segment, Segments, given

MAIN = "en"
READS = "reads_"
"""A person's values hold "reads_es" when Spanish is the language they are written to in."""


@dataclass(frozen=True)
class Words:
    """What stands in the footer, after the practice's name and address."""

    label: str
    why: str
    choose: str
    either: str
    unsubscribe: str
    view: str


LANGUAGES = {
    "es": Words(
        "Spanish",
        "Recibe este mensaje porque está en contacto con nosotros.",
        "Elija lo que desea recibir",
        "o",
        "cancele la suscripción",
        "Ver en el navegador",
    ),
    "fr": Words(
        "French",
        "Vous recevez ce message parce que vous êtes en contact avec nous.",
        "Choisissez ce que vous recevez",
        "ou",
        "désabonnez-vous",
        "Voir dans le navigateur",
    ),
    "pt": Words(
        "Portuguese",
        "Você recebe esta mensagem porque está em contato conosco.",
        "Escolha o que deseja receber",
        "ou",
        "cancele a inscrição",
        "Ver no navegador",
    ),
    "de": Words(
        "German",
        "Sie erhalten diese Nachricht, weil Sie mit uns in Kontakt stehen.",
        "Wählen Sie, was Sie erhalten",
        "oder",
        "melden Sie sich ab",
        "Im Browser ansehen",
    ),
    "it": Words(
        "Italian",
        "Riceve questo messaggio perché è in contatto con noi.",
        "Scelga cosa ricevere",
        "o",
        "annulli l’iscrizione",
        "Vedi nel browser",
    ),
    "pl": Words(
        "Polish",
        "Otrzymują Państwo tę wiadomość, ponieważ mamy ze sobą kontakt.",
        "Wybierz, co chcesz otrzymywać",
        "lub",
        "zrezygnuj z subskrypcji",
        "Zobacz w przeglądarce",
    ),
    "ru": Words(
        "Russian",
        "Вы получили это письмо, потому что мы с вами на связи.",
        "Выберите, что вы хотите получать",
        "или",
        "отпишитесь",
        "Открыть в браузере",
    ),
    "vi": Words(
        "Vietnamese",
        "Quý vị nhận được thư này vì quý vị có liên lạc với chúng tôi.",
        "Chọn những gì quý vị muốn nhận",
        "hoặc",
        "hủy đăng ký",
        "Xem trong trình duyệt",
    ),
    "zh": Words("Chinese", "您收到此邮件是因为您与我们有联系。", "选择您要接收的内容", "或", "退订", "在浏览器中查看"),
    "ko": Words(
        "Korean",
        "저희와 연락하고 계시기 때문에 이 메일을 받으셨습니다.",
        "받을 내용 선택",
        "또는",
        "수신 거부",
        "브라우저에서 보기",
    ),
}
"""Those in which a message may be written beside English; each has its own footer."""
ENGLISH = Words("English", "", "Choose what you get", "or", "unsubscribe", "View in your browser")


def words_in(language: str) -> Words:
    """The footer's words. In English the reason is said more exactly; see `compiling`."""
    return LANGUAGES.get(language, ENGLISH)


def by_language(main: Segments, others: Mapping[str, Segments]) -> Segments:
    """The segments of each language for those who read it, and the main ones for everybody else."""
    for_others = main
    for language in others:
        for_others = [given(f"!{READS}{language}", for_others)]
    return [*(given(READS + language, segments) for language, segments in others.items()), *for_others]


def each_language(segments: Segments) -> list[Segments]:
    """The other way: the segments of each language alone; one list when there is only one."""
    found: list[Segments] = []
    rest = segments
    while choices := [segment for segment in rest if _is_choice(segment)]:
        found += [inner for _, name, inner in choices if name.startswith(READS)]
        rest = choices[-1][2]
    return [*found, rest]


def _is_choice(segment: Segment) -> TypeGuard[list[Any]]:
    return isinstance(segment, list) and segment[0] == "v" and segment[1].lstrip("!").startswith(READS)
