"""The wrong paths that any check may meet, and the words that all checks share."""

from __future__ import annotations

from wslab.labs.verdict import Misconception
from wslab.language import Text

# Nothing to judge

NO_APP = Misconception(
    "no-app",
    Text(en="There is no app to check yet.", tr="Henüz sınanacak bir uygulama yok."),
    Text(
        en="Run the cell that makes `{name}`, then this one. If that cell ended with an error, mend it first.",
        tr="`{name}` nesnesini oluşturan hücreyi, sonra bu hücreyi çalıştırın. O hücre hata verdiyse önce hatayı "
        "giderin.",
    ),
    begun=False,
)
CELL_FAILED = Misconception(
    "cell-did-not-run",
    Text(
        en="The cell that was to make `{name}` stopped before it had made it.",
        tr="`{name}` nesnesini oluşturacak hücre, onu oluşturamadan durdu.",
    ),
    Text(
        en="Mend that line and run the cell again. Python names the first line at which it could not go on; the slip "
        "is often at the end of the line above it.",
        tr="O satırı düzeltip hücreyi yeniden çalıştırın. Python, devam edemediği ilk satırı söyler; yanlış çoğu zaman "
        "bir üst satırın sonundadır.",
    ),
    begun=False,
)
WRONG_APP = Misconception(
    "wrong-app",
    Text(
        en="What `check()` was given is not something that a server can run.",
        tr="`check()` fonksiyonuna verilen, bir sunucunun çalıştırabileceği bir şey değil.",
    ),
    Text(
        en='Give it the FastAPI object itself, the one from `app = FastAPI()`: `await check("{check}", app)`',
        tr='Ona `app = FastAPI()` ile oluşturduğunuz nesnenin kendisini verin: `await check("{check}", app)`',
    ),
    begun=False,
)
DOES_NOT_START = Misconception(
    "does-not-start",
    Text(
        en="The app never came as far as answering a client.",
        tr="Uygulama, bir istemciye yanıt verecek duruma hiç gelmedi.",
    ),
    Text(
        en="Look at what runs when it starts: the lifespan or startup function.",
        tr="Uygulama başlarken çalışan koda bakın: yaşam döngüsü (lifespan) ya da startup fonksiyonu.",
    ),
)

NOT_REACHED = Misconception(
    "not-reached",
    Text(
        en="This check was left out: those before it failed after long waits, and this one would wait as well.",
        tr="Bu sınama atlandı: öncekiler uzun süre bekleyip başarısız oldu; bu da bekleyecekti.",
    ),
    Text(
        en="Begin with the first card that failed. To run this check all the same, name it alone: `{check}`.",
        tr="Başarısız olan ilk karttan başlayın. Bu sınamayı yine de çalıştırmak için yalnızca adını verin: `{check}`.",
    ),
    begun=False,
)

# No connection

NEVER_ACCEPTED = Misconception(
    "never-accepted",
    Text(
        en="The handler came to its end without having accepted the connection, so the handshake had no answer.",
        tr="İşleyici bağlantıyı kabul etmeden sona erdi; el sıkışma yanıtsız kaldı.",
    ),
    Text(
        en="If `...` still stands in the handler, begin there; its first line accepts the connection.",
        tr="İşleyicide hâlâ `...` duruyorsa oradan başlayın; işleyicinin ilk satırı bağlantıyı kabul eder.",
    ),
    begun=False,
)
REFUSED = Misconception(
    "refused",
    Text(
        en="Either no handler is registered for {path}, or it closes before it accepts; both look like this.",
        tr="Ya {path} için kayıtlı bir işleyici yok ya da işleyici kabul etmeden kapatıyor; ikisi de böyle görünür.",
    ),
    Text(
        en='Compare the path: `@app.websocket("{path}")`. If it is right, look for a `close()` before `accept()`.',
        tr='Yolu karşılaştırın: `@app.websocket("{path}")`. Yol doğruysa `accept()` öncesinde bir `close()` arayın.',
    ),
)
HANDSHAKE_HANGS = Misconception(
    "handshake-hangs",
    Text(
        en="The handler runs, but something in it waits before `accept()` is reached.",
        tr="İşleyici çalışıyor, ama `accept()` satırına gelmeden bir şeyi bekliyor.",
    ),
    Text(
        en="Accept first, wait for anything else afterwards.", tr="Önce kabul edin, başka şeyleri ondan sonra bekleyin."
    ),
)
NO_HANDSHAKE = Misconception(
    "no-handshake",
    Text(
        en="The answer to the opening handshake was not 101, so there is no WebSocket to talk over.",
        tr="El sıkışmanın yanıtı 101 değil; bu yüzden konuşacak bir WebSocket yok.",
    ),
    Text(
        en="Look at the status in the exchange above: which line of the handler gives it?",
        tr="Yukarıdaki dökümde durum koduna bakın: onu işleyicinin hangi satırı veriyor?",
    ),
)
NEEDS_ANOTHER = Misconception(
    "needs-another",
    Text(
        en="This check needs an open connection, and the server gave none.",
        tr="Bu sınama açık bir bağlantı ister; sunucu ise bağlantı kurmadı.",
    ),
    Text(
        en="First bring the check `{needs}` to pass; its card says what is missing.",
        tr="Önce `{needs}` sınamasını geçin; neyin eksik olduğunu onun kartı söyler.",
    ),
)
GHOSTS = Misconception(
    "gone-clients-in-the-list",
    Text(
        en="The server still counts clients that left long ago ({count}), and sending to one that is gone raises.",
        tr="Sunucu çoktan ayrılmış istemcileri hâlâ sayıyor ({count}); ayrılmış birine göndermek istisna fırlatır.",
    ),
    Text(
        en="First bring the check `{needs}` to pass. The app remembers: its cell makes it afresh.",
        tr="Önce `{needs}` sınamasını geçin. Uygulama geçmişi unutmaz: onu oluşturan hücre baştan kurar.",
    ),
)

# No answer

NO_ANSWER = Misconception(
    "no-answer",
    Text(
        en="The connection is open and the server answers others, but nothing came back to {who}.",
        tr="Bağlantı açık ve sunucu başkalarına yanıt veriyor, ama {who} istemcisine hiçbir şey gelmedi.",
    ),
    Text(
        en="Follow one message through the handler: who receives it, and which line sends the answer?",
        tr="Tek bir mesajı işleyicide izleyin: onu kim alıyor, yanıtı hangi satır gönderiyor?",
    ),
)
BLOCKS = Misconception(
    "blocks-the-loop",
    Text(
        en="Something holds the event loop{where}, so the server answers nobody, not even a new request.",
        tr="Bir şey olay döngüsünü tutuyor{where}; sunucu kimseye, yeni bir isteğe bile yanıt veremiyor.",
    ),
    Text(
        en="Look for a call that waits without `await` (`time.sleep`, `input`) or a loop in which nothing is awaited.",
        tr="`await` kullanmadan bekleyen bir çağrı (`time.sleep`, `input`) ya da içinde hiç `await` olmayan bir "
        "döngü arayın.",
    ),
)
DIED = Misconception(
    "server-died",
    Text(
        en="The server itself is gone: no one listens any more.", tr="Sunucunun kendisi sona erdi: artık dinleyen yok."
    ),
    Text(
        en="A handler must not end the program: look for `exit()`, `quit()`, `sys.exit()` or a raised `SystemExit`.",
        tr="Bir işleyici programı sonlandırmamalı: `exit()`, `quit()`, `sys.exit()` ya da fırlatılan bir "
        "`SystemExit` arayın.",
    ),
)
ENDED = Misconception(
    "connection-ended",
    Text(
        en="The handler ended while the client was still there, and the connection ended with it.",
        tr="İstemci hâlâ bağlıyken işleyici sona erdi, bağlantı da onunla bitti.",
    ),
    Text(
        en="A connection lives as long as its handler: what keeps the handler going until the client leaves?",
        tr="Bağlantı, işleyicisi kadar yaşar: istemci ayrılana kadar işleyiciyi ne sürdürüyor?",
    ),
)
HANDLER_RAISED = Misconception(
    "handler-raised",
    Text(
        en="An exception ended the handler: {error}.",
        tr="İşleyiciyi bir istisna bitirdi: {error}.",
    ),
    Text(
        en="Go to that line and ask which value it met that it cannot work with.",
        tr="O satıra gidin: hangi değerle karşılaştı da onunla çalışamadı?",
    ),
)
NOT_AWAITED = Misconception(
    "not-awaited",
    Text(
        en="A coroutine was made and never run: {error}.",
        tr="Bir eşyordam oluşturuldu ama hiç çalıştırılmadı: {error}.",
    ),
    Text(
        en="Write `await` in front of that call; without it the line only makes the coroutine.",
        tr="O çağrının önüne `await` yazın; `await` olmadan satır yalnızca eşyordamı oluşturur.",
    ),
)
ANOTHER_LOOP = Misconception(
    "bound-to-another-loop",
    Text(
        en="Something in the app (a `Queue`, `Lock` or `Event` made at the top) belongs to the event loop of an "
        "earlier server.",
        tr="Uygulamadaki bir nesne (en üstte oluşturulmuş bir `Queue`, `Lock` ya da `Event`) önceki bir sunucunun olay "
        "döngüsüne bağlı kalmış.",
    ),
    Text(
        en="Run the cell that makes the app again, then this check, without serving the app in between.",
        tr="Uygulamayı oluşturan hücreyi, sonra bu sınamayı yeniden çalıştırın; arada uygulamayı `serve()` ile "
        "başlatmayın.",
    ),
)

# Anything else

UNFORESEEN = Misconception(
    "unforeseen",
    Text(
        en="The server did something that this task does not ask for; the exchange shows what.",
        tr="Sunucu bu adımın istemediği bir şey yaptı; ne yaptığı dökümde görülüyor.",
    ),
    Text(
        en="Read the exchange line by line and name the line of your code behind each answer.",
        tr="Dökümü satır satır okuyun ve her yanıtın arkasındaki kod satırını bulun.",
    ),
)
TOO_LONG = Misconception(
    "too-long",
    Text(
        en="After {seconds:g} s this check was still waiting for the server, and gave up.",
        tr="Bu sınama {seconds:g} saniye sonra hâlâ sunucuyu bekliyordu ve vazgeçti.",
    ),
    Text(
        en="The last lines of the exchange show what was waited for.",
        tr="Neyin beklendiği dökümün son satırlarında görülüyor.",
    ),
)
STUMBLED = Misconception(
    "check-stumbled",
    Text(
        en="The check itself met something it was not made for ({error}). That is not your mistake.",
        tr="Sınamanın kendisi beklemediği bir şeyle karşılaştı ({error}). Bu sizin hatanız değil.",
    ),
    Text(
        en="Run it again; if it happens again, show this card to whoever gives the course.",
        tr="Yeniden çalıştırın; yine olursa bu kartı kursu verene gösterin.",
    ),
    begun=False,
)

GENERAL = (
    NO_APP, CELL_FAILED, WRONG_APP, DOES_NOT_START, NOT_REACHED, NEVER_ACCEPTED, REFUSED, HANDSHAKE_HANGS, NO_HANDSHAKE,
    NEEDS_ANOTHER, GHOSTS, NO_ANSWER, BLOCKS, DIED, ENDED, HANDLER_RAISED, NOT_AWAITED, ANOTHER_LOOP, UNFORESEEN,
    TOO_LONG, STUMBLED,
)  # fmt: skip
"""Every misconception that does not belong to one lab."""

NOBODY_HOME = frozenset({BLOCKS.id, DIED.id, TOO_LONG.id})
"""After one of these the server is started anew before the next check."""

# Observations

NOTHING_CAME = Text(en="Nothing came within {seconds:.1f} s.", tr="{seconds:.1f} saniye içinde hiçbir şey gelmedi.")
CONNECTION_ENDED = Text(
    en="The connection of {who} ended ({how}).", tr="{who} istemcisinin bağlantısı sona erdi ({how})."
)
STATUS_CAME = Text(
    en="The answer to the opening handshake was {status}, not 101.",
    tr="El sıkışmanın yanıtı 101 değil, {status} oldu.",
)
HANDSHAKE_BROKEN = Text(
    en="The connection ended before the opening handshake was answered.",
    tr="El sıkışma yanıtlanmadan bağlantı sona erdi.",
)
HANDSHAKE_UNANSWERED = Text(
    en="The opening handshake had no answer within {seconds:.1f} s.",
    tr="El sıkışma {seconds:.1f} saniye içinde yanıtlanmadı.",
)
NOBODY_LISTENS = Text(en="Nobody listens at the server's port.", tr="Sunucunun bağlantı noktasını dinleyen yok.")
WHERE = Text(en=" ({place})", tr=" ({place})")
