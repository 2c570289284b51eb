"""Every refusal a client can meet: its stable code, its status and its sentence in two languages."""

from typing import Any, NamedTuple


class Kind(NamedTuple):
    """What a code means. The sentences may name the problem's members in braces."""

    status: int
    title: str
    title_zh: str
    detail: str
    detail_zh: str


KINDS: dict[str, Kind] = {
    "invalid_request": Kind(
        400, "Invalid request", "请求无效", "The request is malformed; see errors.", "请求格式有误，详见 errors。"
    ),
    "unauthenticated": Kind(
        401,
        "Not signed in",
        "未登录",
        "No valid session, login or key: it is missing, wrong, unknown, expired or ended.",
        "没有有效的会话、登录或密钥：缺失、错误、未知、已过期或已结束。",
    ),
    "cust_mismatch": Kind(
        403,
        "Another customer",
        "客户不一致",
        "X-Cust-Id, the session and the order token must be of one customer and one session.",
        "X-Cust-Id、会话与订单令牌必须属于同一客户与同一会话。",
    ),
    "sign_invalid": Kind(
        403,
        "Signature invalid",
        "签名无效",
        "The signature does not verify, or its type is not the session's.",
        "签名校验失败，或签名方式与会话不符。",
    ),
    "scope_missing": Kind(
        403, "Scope missing", "权限不足", "This API key lacks the scope {scope}.", "该 API 密钥缺少权限 {scope}。"
    ),
    "not_entitled": Kind(
        403, "No right to this", "没有权益", "The customer does not own {productId}.", "客户尚未拥有 {productId}。"
    ),
    "timestamp_skew": Kind(
        403,
        "Timestamp off",
        "时间戳偏差过大",
        "The timestamp is more than 300 seconds from the server's time.",
        "时间戳与服务器时间相差超过 300 秒。",
    ),
    "token_invalid": Kind(
        400,
        "Order token invalid",
        "订单令牌无效",
        "The order token was altered, made elsewhere, or its key is retired. Check out again.",
        "订单令牌被修改、非本站签发或密钥已停用，请重新结算。",
    ),
    "token_expired": Kind(
        410, "Offer expired", "报价已过期", "The offer has expired. Check out again.", "报价已过期，请重新结算。"
    ),
    "order_mismatch": Kind(
        409,
        "Order mismatch",
        "订单不一致",
        "The productIds must be those of the order token, in the same sequence.",
        "productIds 必须与订单令牌中的相同，顺序也须一致。",
    ),
    "already_owned": Kind(
        409, "Already owned", "已经拥有", "Already the customer's: {productIds}.", "已经拥有：{productIds}。"
    ),
    "already_refunded": Kind(
        409, "Already refunded", "已经退款", "Already refunded: {productIds}.", "已经退款：{productIds}。"
    ),
    "refund_not_allowed": Kind(
        409, "Refund not allowed", "不可退款", "This cannot be refunded; see reasons.", "不可退款，详见 reasons。"
    ),
    "product_unavailable": Kind(
        409, "Not on sale", "商品不可购买", "Not on sale: {productIds}.", "当前不可购买：{productIds}。"
    ),
    "voucher_unusable": Kind(
        409, "Voucher not usable", "礼券不可用", "Not usable: {voucherIds}.", "礼券不可用：{voucherIds}。"
    ),
    "insufficient_bells": Kind(
        402,
        "Not enough bells",
        "铃铛不足",
        "The order needs {required} bells and the wallet has {balance}; {shortfall} are missing.",
        "应付 {required} 铃铛，余额 {balance}，还差 {shortfall}。",
    ),
    "wallet_in_debt": Kind(
        402,
        "Wallet in debt",
        "钱包有欠款",
        "A top-up was taken back after its bells were spent: {debt} bells are owed, and what comes in pays them first.",
        "有一笔充值款已退回，而铃铛已经花掉：尚欠 {debt} 铃铛，之后入账的铃铛会先用来偿还。",
    ),
    "wallet_full": Kind(
        409, "Wallet full", "钱包已满", "The wallet cannot hold so much: {limit}.", "钱包容纳不下：{limit}。"
    ),
    "topup_unavailable": Kind(
        409,
        "Top-up not possible",
        "无法充值",
        "This package cannot be bought this way: {reason}.",
        "该套餐无法以此方式购买：{reason}。",
    ),
    "terms_changed": Kind(
        409,
        "Price or bells changed",
        "价格或铃铛数已变",
        "The package is sold for another price or with other bells than the customer was shown; see terms.",
        "该套餐的价格或铃铛数与向客户展示的不同，现行的见 terms。",
    ),
    "topup_limit": Kind(
        409,
        "Top-up limit reached",
        "超出充值限额",
        "The day's limit is {limit} minor units of {currency}; {left} are left.",
        "当日充值限额为 {limit}（{currency} 最小货币单位），剩余 {left}。",
    ),
    "provider_unavailable": Kind(
        503,
        "Payment provider away",
        "支付渠道不可用",
        "The payment provider does not answer. Nothing was paid; try again after {retryAfter} seconds.",
        "支付渠道暂无响应。未发生任何付款，请在 {retryAfter} 秒后重试。",
    ),
    "gift_code_unusable": Kind(
        409,
        "Code not usable",
        "礼品码不可用",
        "This code cannot be redeemed; see reasons.",
        "该礼品码无法使用，详见 reasons。",
    ),
    "topup_undecided": Kind(
        409,
        "Nothing to decide",
        "无需处理",
        "This cannot be decided so: {reason}.",
        "无法如此处理：{reason}。",
    ),
    "not_found": Kind(404, "Not found", "未找到", "There is no such thing here.", "没有找到所请求的内容。"),
    "method_not_allowed": Kind(
        405, "Method not allowed", "方法不允许", "This address does not answer that method.", "该地址不支持此方法。"
    ),
    "cart_full": Kind(
        409, "Cart full", "购物车已满", "A cart holds at most {limit} products.", "购物车最多容纳 {limit} 件商品。"
    ),
    "body_too_large": Kind(
        413, "Body too large", "请求过大", "The body may have at most {limit} bytes.", "请求体最多 {limit} 字节。"
    ),
    "head_too_large": Kind(
        431,
        "Head too large",
        "请求头过大",
        "The request line and headers may have at most {limit} bytes.",
        "请求行与请求头合计最多 {limit} 字节。",
    ),
    "request_timeout": Kind(
        408,
        "Request too slow",
        "请求超时",
        "The request did not arrive whole in time. Nothing was done; send it again.",
        "未能在规定时间内收到完整请求。未执行任何操作，请重新发送。",
    ),
    "idempotency_mismatch": Kind(
        422,
        "Idempotency mismatch",
        "幂等键冲突",
        "This key or id was used before with another body.",
        "该幂等键或编号已用于另一个请求。",
    ),
    "rate_limited": Kind(
        429,
        "Too many requests",
        "请求过于频繁",
        "Try again after {retryAfter} seconds.",
        "请在 {retryAfter} 秒后重试。",
    ),
    "overloaded": Kind(
        503,
        "Overloaded",
        "服务繁忙",
        "The server is too busy, or its database is away or took too long. Nothing was taken; try again.",
        "服务繁忙，或数据库不可用、响应过慢。未扣除任何铃铛，请稍后重试。",
    ),
    "identity_unavailable": Kind(
        503,
        "Identity provider away",
        "身份提供方不可用",
        "The keys of the platform's identity provider cannot be fetched, so its tokens cannot be checked. "
        "Try again after {retryAfter} seconds.",
        "暂时无法获取平台身份提供方的密钥，无法核验其令牌。请在 {retryAfter} 秒后重试。",
    ),
    "position_lost": Kind(
        409,
        "Position lost",
        "位点已失效",
        "A restore of the database lost what stood at this position. Drop every event that is later than the position of "
        "resume, and read on from there.",
        "数据库恢复后，该位点的事件已不存在。请丢弃晚于 resume 位点的所有事件，并从 resume 继续读取。",
    ),
    "feed_stopped": Kind(
        503,
        "Feed stopped",
        "事件流已暂停",
        "The database was put back to an earlier state, and events that were told are missing. An operator has to run "
        "`lingdang epoch new`; the feed goes on then.",
        "数据库已回到较早的状态，部分已告知的事件缺失。运营者需运行 `lingdang epoch new`，事件流随后恢复。",
    ),
    "secret_unusable": Kind(
        409,
        "Secret not usable",
        "密钥已失效",
        "The endpoint's secret cannot be opened: it was altered in the database, or the version of the keyring that sealed it "
        "is retired. Give the endpoint a new one.",
        "无法打开该端点的密钥：它在数据库中被改动，或封存它的密钥环版本已停用。请为该端点更换新密钥。",
    ),
    "endpoints_full": Kind(
        409,
        "Too many endpoints",
        "端点已达上限",
        "There are {limit} endpoints of webhooks, which is the most. Delete one first.",
        "Webhook 端点已有 {limit} 个，达到上限。请先删除一个。",
    ),
    "replays_full": Kind(
        409,
        "Too many replays",
        "重放已达上限",
        "{limit} replays are under way at this endpoint, which is the most. Ask again when one has ended.",
        "该端点已有 {limit} 个重放正在进行，达到上限。请待其中一个结束后再试。",
    ),
    "outcome_unknown": Kind(
        503,
        "Outcome unknown",
        "结果未知",
        "The connection to the database broke while this was being written. Send the same request again to learn the outcome; "
        "it is never done twice.",
        "写入时数据库连接中断。请原样重发请求以获知结果，绝不会重复执行。",
    ),
    "internal_error": Kind(
        500,
        "Internal error",
        "内部错误",
        "Something went wrong on the server; its log has the request id.",
        "服务器内部错误，日志中记有请求编号。",
    ),
}


UNKNOWN: dict[str, tuple[str, str]] = {
    "productIds": ("There are no such products: {productIds}.", "没有这些商品：{productIds}。"),
    "custIds": ("There are no such customers: {custIds}.", "没有这些客户：{custIds}。"),
}
"""What `not_found` says where the problem names which of many there are not."""

_SHOWN = 60


def shown(value: object) -> str:
    """What somebody sent, as a sentence quotes it: short, however its signs are written out."""
    written = repr(value[: _SHOWN + 1] if isinstance(value, str) else value)
    if len(written) <= _SHOWN + 2:
        return written
    return f"{written[: _SHOWN + 1]}…{written[0] if isinstance(value, str) else ''}"


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """A refusal, to be answered as `application/problem+json`.

    `members` are the body's further members as the contract names them; `headers` go with the answer. `why` is for the
    log alone: it tells an operator what the answer does not tell whoever was refused.
    """

    def __init__(
        self, code: str, *, headers: dict[str, str] | None = None, why: str | None = None, **members: Any
    ) -> None:
        super().__init__(code)
        self.why = why
        self.customer: str | None = None
        """Who was to be signed in, likewise for the log alone."""
        self.code = code
        self.kind = KINDS[code]
        self.members = members
        self.headers = headers or {}


def invalid_field(field: str, message: str) -> Problem:
    """An `invalid_request` that names what is wrong by its name here, e.g. `definition.valid_from`.

    What it is called on the wire, lingdang.http.problems knows.
    """
    return Problem("invalid_request", errors=[{"field": field, "message": message}])


def retry_later(code: str, seconds: int, why: str | None = None, **members: Any) -> Problem:
    """A refusal that passes, such as `rate_limited` or `overloaded`, with its `Retry-After`."""
    return Problem(code, headers={"Retry-After": str(seconds)}, why=why, retryAfter=seconds, **members)


def in_one_line(problem: Problem) -> str:
    """A refusal in one line, for an operator."""
    errors = problem.members.get("errors") or [{"message": problem.kind.detail.format_map(problem.members)}]
    return f"{problem.code}: {errors[0]['message']}"


def session_ended() -> Problem:
    """The `unauthenticated` of a session that was ended before it expired."""
    return Problem("unauthenticated", why="the session was ended")


class CommandError(Exception):
    """A command cannot do what it was asked. The message is one sentence for the operator."""
