"""What fixed words on the wire mean, for voters who do not read the language in which they are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_GLOSSES: Mapping[str, Mapping[str, str]] = {
    # The document's strings and what its clients say are Turkish in every edition.
    "en": {
        "Başka bir istemciden": "from another client",
        "Alınan mesaj": "message received",
        "Mesajınız": "your message",
        "SUNUCU": "SERVER",
        "Saat kaç?": "what time is it?",
        "Merhaba": "hello",
        "Selam": "hi",
        "Hata": "error",
        "bekliyor": "is waiting",
        "aldı": "has received",
        "soru": "question",
        "Duyuru": "announcement",
    },
    # The messages of the libraries are English in every edition.
    "tr": {
        'Need to call "accept" first': "önce accept çağrılmalı",
        'Cannot call "send" once a close message has been sent': "kapatma mesajı gönderildikten sonra send çağrılamaz",
    },
}


def gloss(texts: Iterable[str], language: str) -> str:
    """The fixed words in `texts` with their meaning in `language`, in the order in which they appear; "" if none.

    >>> gloss(["Ada bekliyor", "Ada aldı"], "en")
    'bekliyor: is waiting · aldı: has received'
    """
    text = "\n".join(texts)
    found = []
    for phrase, meaning in _GLOSSES.get(language, {}).items():
        end = r"(?!\w)" if phrase[-1].isalnum() else ""
        if match := re.search(rf"(?<!\w){re.escape(phrase)}{end}", text):
            found.append((match.start(), f"{phrase}: {meaning}"))
    return " · ".join(entry for _, entry in sorted(found))
