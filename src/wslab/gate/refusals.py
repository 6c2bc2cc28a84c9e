"""What the gate answers where it lets nobody through: a status, a sentence, and headers that every answer has."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from wslab.language import Text

NOT_HERE = Text(en="There is no such page.", tr="Böyle bir sayfa yok.")

REFUSALS: Mapping[str, tuple[int, Text]] = {
    "host": (
        421,
        Text(
            en="Open this page by the address that stands on the projector.",
            tr="Bu sayfayı projektörde yazan adresle açın.",
        ),
    ),
    "rate": (
        429,
        Text(
            en="Too many requests at once. Wait a few seconds and load the page again.",
            tr="Bir anda çok fazla istek geldi. Birkaç saniye bekleyip sayfayı yeniden yükleyin.",
        ),
    ),
    "origin": (
        403,
        Text(
            en="Another site sent this request, so it was refused.",
            tr="Bu isteği başka bir site gönderdi, kabul edilmedi.",
        ),
    ),
    "kept-out": (
        403,
        Text(
            en="Your instructor has ended your visit. Ask if you may come back.",
            tr="Eğitmeniniz oturumunuzu sonlandırdı. Dönmek isterseniz eğitmeninize söyleyin.",
        ),
    ),
    "slow": (408, Text(en="The request did not arrive in time.", tr="İstek zamanında gelmedi.")),
    "large": (413, Text(en="That is too large.", tr="Bu çok büyük.")),
}
"""What is answered to an HTTP request, by the reason for which it is refused."""


class GateResponse(Response):
    """An answer of the gate's own: nobody stores it, no other site frames it, and it ends its connection.

    Args:
        policy: the Content-Security-Policy.
    """

    charset = "utf-8"

    def __init__(
        self,
        content: str = "",
        status_code: int = 200,
        media_type: str = "text/plain",
        policy: str = "default-src 'none'",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        always = {
            "cache-control": "no-store",
            # Not no-referrer: with that a browser sends “Origin: null” along with the form.
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "content-security-policy": policy,
            "connection": "close",
        }
        super().__init__(content, status_code, {**always, **(headers or {})}, media_type)


def refusal(reason: str, language: str) -> GateResponse:
    """The answer to a refused request."""
    status, sentence = REFUSALS[reason]
    return GateResponse(sentence.into(language), status)
