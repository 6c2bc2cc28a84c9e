"""The rules that a peer can break on the wire, each with the section that it stands in, and the close codes' names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wslab.language import Text


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a specification.

    Attributes:
        name: short and stable: `mask-missing`.
        section: where it stands: `5.1`.
        says: what happened and what the rule demands; may hold `{detail}`.
        rfc: number of the specification.
    """

    name: str
    section: str
    says: Text
    rfc: int = 6455

    @property
    def cite(self) -> str:
        """`RFC 6455 §5.1`."""
        return f"RFC {self.rfc} §{self.section}"

    @property
    def url(self) -> str:
        """Where the section can be read."""
        return f"https://www.rfc-editor.org/rfc/rfc{self.rfc}#section-{self.section}"

    def __reduce__(self) -> tuple[Callable[[str], Rule], tuple[str]]:
        return rule_named, (self.name,)


_ALL = (
    Rule(
        "malformed-request",
        "4.1",
        Text(
            en="This is no HTTP request: {detail}. The opening handshake has to be a valid one.",
            tr="Bu bir HTTP isteği değil: {detail}. El sıkışma geçerli bir HTTP isteğiyle başlamalıdır.",
        ),
    ),
    Rule(
        "malformed-response",
        "4.2.2",
        Text(
            en="This is no HTTP response: {detail}. The server has to answer the handshake with a valid one.",
            tr="Bu bir HTTP yanıtı değil: {detail}. Sunucu el sıkışmayı geçerli bir HTTP yanıtıyla karşılamalıdır.",
        ),
    ),
    Rule(
        "early-data",
        "4.1",
        Text(
            en="The client sent data before the server's 101; it has to wait for the answer.",
            tr="İstemci, sunucunun 101 yanıtını beklemeden veri gönderdi; önce yanıtı beklemelidir.",
        ),
    ),
    Rule(
        "handshake-method",
        "4.1",
        Text(
            en="The handshake came as {detail}; it has to be a GET in HTTP/1.1.",
            tr="El sıkışma {detail} ile geldi; HTTP/1.1 ile bir GET isteği olmalıdır.",
        ),
    ),
    Rule(
        "handshake-host",
        "4.1",
        Text(en="The handshake has no Host header.", tr="El sıkışmada Host başlığı yok."),
    ),
    Rule(
        "handshake-connection",
        "4.1",
        Text(
            en="The Connection header has to hold Upgrade; it is {detail}.",
            tr="Connection başlığında Upgrade bulunmalıdır; değeri {detail}.",
        ),
    ),
    Rule(
        "handshake-key",
        "4.1",
        Text(
            en="Sec-WebSocket-Key has to be 16 bytes in Base64; it is {detail}.",
            tr="Sec-WebSocket-Key, Base64 ile yazılmış 16 bayt olmalıdır; değeri {detail}.",
        ),
    ),
    Rule(
        "handshake-version",
        "4.1",
        Text(
            en="Sec-WebSocket-Version has to be 13; it is {detail}.",
            tr="Sec-WebSocket-Version 13 olmalıdır; değeri {detail}.",
        ),
    ),
    Rule(
        "unasked-switch",
        "4.2.2",
        Text(
            en="The server switched protocols, though the client did not ask for WebSocket.",
            tr="İstemci WebSocket istemediği hâlde sunucu protokol değiştirdi.",
        ),
    ),
    Rule(
        "response-upgrade",
        "4.2.2",
        Text(
            en="A 101 has to carry “Upgrade: websocket” and “Connection: Upgrade”; it has {detail}.",
            tr="101 yanıtında “Upgrade: websocket” ve “Connection: Upgrade” bulunmalıdır; yanıttaki: {detail}.",
        ),
    ),
    Rule(
        "accept-mismatch",
        "4.2.2",
        Text(
            en="Sec-WebSocket-Accept does not belong to the client's key: {detail}.",
            tr="Sec-WebSocket-Accept istemcinin anahtarıyla uyuşmuyor: {detail}.",
        ),
    ),
    Rule(
        "extension-not-offered",
        "9.1",
        Text(
            en="The server chose an extension that the client had not offered: {detail}.",
            tr="Sunucu, istemcinin önermediği bir uzantıyı seçti: {detail}.",
        ),
    ),
    Rule(
        "subprotocol-not-offered",
        "4.2.2",
        Text(
            en="The server chose a subprotocol that the client had not offered: {detail}.",
            tr="Sunucu, istemcinin önermediği bir alt protokolü seçti: {detail}.",
        ),
    ),
    Rule(
        "mask-missing",
        "5.1",
        Text(
            en="A client has to mask every frame; this one is not masked. The server has to close (usually with 1002).",
            tr="İstemci her çerçeveyi maskelemelidir; bu maskesiz. Sunucu bağlantıyı kapatmalıdır (genelde 1002 ile).",
        ),
    ),
    Rule(
        "mask-forbidden",
        "5.1",
        Text(
            en="A server must not mask a frame; this one is masked. The client has to close (usually with 1002).",
            tr="Sunucu çerçeveyi maskelememelidir; bu maskeli. İstemci bağlantıyı kapatmalıdır (genelde 1002 ile).",
        ),
    ),
    Rule(
        "reserved-bit",
        "5.2",
        Text(
            en="{detail} is set, but no extension that gives it a meaning was agreed on.",
            tr="{detail} biti 1, ama ona anlam veren bir uzantı üzerinde anlaşılmadı.",
        ),
    ),
    Rule(
        "compressed-bit",
        "6",
        Text(
            en="RSV1 may mark the first frame of a data message only; here it is on {detail}.",
            tr="RSV1 yalnızca bir veri mesajının ilk çerçevesinde 1 olabilir; burada {detail} çerçevesinde.",
        ),
        rfc=7692,
    ),
    Rule(
        "deflate-invalid",
        "7.2.2",
        Text(
            en="The payload is marked as compressed, but it is no DEFLATE data.",
            tr="Yük sıkıştırılmış diye işaretli, ama DEFLATE verisi değil.",
        ),
        rfc=7692,
    ),
    Rule(
        "reserved-opcode",
        "5.2",
        Text(
            en="Opcode {detail} is reserved: nobody knows what it means.",
            tr="{detail} işlem kodu ayrılmış: anlamı tanımlı değil.",
        ),
    ),
    Rule(
        "length-not-minimal",
        "5.2",
        Text(
            en="The length has to be written in the fewest bytes that can hold it; {detail}.",
            tr="Uzunluk, sığdığı en az baytla yazılmalıdır; {detail}.",
        ),
    ),
    Rule(
        "length-too-large",
        "5.2",
        Text(
            en="The top bit of a 64-bit length has to be 0.",
            tr="64 bitlik uzunluğun en üst biti 0 olmalıdır.",
        ),
    ),
    Rule(
        "control-fragmented",
        "5.5",
        Text(
            en="A control frame must not be fragmented; this {detail} has FIN = 0.",
            tr="Denetim çerçevesi parçalanamaz; bu {detail} çerçevesinde FIN = 0.",
        ),
    ),
    Rule(
        "control-too-long",
        "5.5",
        Text(
            en="A control frame may carry at most 125 bytes; this one says {detail}.",
            tr="Denetim çerçevesi en çok 125 bayt taşıyabilir; bu çerçevede {detail} yazıyor.",
        ),
    ),
    Rule(
        "continuation-unexpected",
        "5.4",
        Text(
            en="A continuation frame came, but there is no message to continue.",
            tr="Devam çerçevesi geldi, ama sürdürülecek bir mesaj yok.",
        ),
    ),
    Rule(
        "continuation-expected",
        "5.4",
        Text(
            en="A new message began before the last one was finished: fragments of two messages must not be mixed.",
            tr="Önceki mesaj bitmeden yenisi başladı: iki mesajın parçaları iç içe geçemez.",
        ),
    ),
    Rule(
        "text-not-utf8",
        "8.1",
        Text(
            en="A text message has to be UTF-8; this one is not. The receiver has to close (usually with 1007).",
            tr="Metin mesajı UTF-8 olmalıdır; bu değil. Alıcı bağlantıyı kapatmalıdır (genelde 1007 ile).",
        ),
    ),
    Rule(
        "close-payload",
        "5.5.1",
        Text(
            en="A close frame carries nothing, or a two-byte code and a reason; this one has a single byte.",
            tr="Kapatma çerçevesi ya boştur ya da iki baytlık bir kod ile neden taşır; bunda tek bayt var.",
        ),
    ),
    Rule(
        "close-code",
        "7.4",
        Text(
            en="Code {detail} must not be sent in a close frame.",
            tr="{detail} kodu kapatma çerçevesinde gönderilemez.",
        ),
    ),
    Rule(
        "close-reason",
        "5.5.1",
        Text(
            en="The reason in a close frame has to be UTF-8; this one is not.",
            tr="Kapatma çerçevesindeki neden UTF-8 olmalıdır; bu değil.",
        ),
    ),
    Rule(
        "data-after-close",
        "5.5.1",
        Text(
            en="No data frame may follow one's own close frame; this {detail} does.",
            tr="Kendi kapatma çerçevesini gönderen, artık veri çerçevesi gönderemez; bu {detail} ondan sonra geldi.",
        ),
    ),
    Rule(
        "cut-short",
        "5.2",
        Text(
            en="The stream ended inside a frame: {detail}.",
            tr="Akış bir çerçevenin ortasında bitti: {detail}.",
        ),
    ),
)

RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
"""Every rule by its name."""


def rule_named(name: str) -> Rule:
    """The rule of that name.

    Raises:
        KeyError: there is none.
    """
    return RULES[name]


CLOSE_CODES: dict[int, Text] = {
    1000: Text(en="normal closure", tr="normal kapanış"),
    1001: Text(en="going away", tr="gidiyor"),
    1002: Text(en="protocol error", tr="protokol hatası"),
    1003: Text(en="unsupported data", tr="desteklenmeyen veri"),
    1004: Text(en="reserved", tr="ayrılmış"),
    1005: Text(en="no status received (never sent)", tr="kapatma kodu gelmedi (gönderilmez)"),
    1006: Text(en="abnormal closure (never sent)", tr="olağan dışı kapanış (gönderilmez)"),
    1007: Text(en="invalid payload data", tr="geçersiz yük verisi"),
    1008: Text(en="policy violation", tr="politika ihlali"),
    1009: Text(en="message too big", tr="mesaj çok büyük"),
    1010: Text(en="mandatory extension", tr="zorunlu uzantı"),
    1011: Text(en="internal error", tr="iç hata"),
    1012: Text(en="service restart", tr="hizmet yeniden başlıyor"),
    1013: Text(en="try again later", tr="sonra yeniden deneyin"),
    1014: Text(en="bad gateway", tr="hatalı ağ geçidi"),
    1015: Text(en="TLS handshake failed (never sent)", tr="TLS el sıkışması başarısız (gönderilmez)"),
}
"""The names of the registered close codes (RFC 6455 §11.7 and IANA's registry of WebSocket close codes)."""

_UNASSIGNED = Text(en="unassigned", tr="atanmamış")
_REGISTERED = Text(en="registered for libraries", tr="kütüphaneler için ayrılmış")
_PRIVATE = Text(en="private use", tr="uygulamaya özel")


def close_code_name(code: int) -> str:
    """What a close code means, in the reader's language (RFC 6455 §7.4)."""
    if code in CLOSE_CODES:
        return str(CLOSE_CODES[code])
    if 3000 <= code < 4000:
        return str(_REGISTERED)
    return str(_PRIVATE) if 4000 <= code < 5000 else str(_UNASSIGNED)
