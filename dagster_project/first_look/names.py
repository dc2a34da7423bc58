"""What columns, files and statuses are called, in English and Chinese, as reviewed data; and how names are compared.

The order within a list is the order of preference. A name that two contract columns could mean stands with both; what
else the file has decides. Labels of 纷享销客 objects and headers of Zoho CRM exports are among them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import cache
from types import MappingProxyType

# What stands for the same word.
SAME_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "number": "no", "num": "no", "nr": "no", "nbr": "no", "#": "no", "№": "no", "code": "no",
        "identifier": "id", "uid": "id", "ref": "id", "reference": "id", "key": "id",
        "qty": "quantity", "amt": "amount", "cust": "customer", "client": "customer",
        "datetime": "time", "timestamp": "time", "dt": "date", "at": "time", "on": "date",
        "mail": "email", "telephone": "phone", "tel": "phone", "mobile": "phone", "cell": "phone",
        "purchase": "order", "transaction": "order", "txn": "order", "trx": "order",
        "item": "product", "article": "product",
    }
)  # fmt: skip

_ORDER_ID = (
    "order id", "order no", "invoice no", "invoice id", "receipt no", "receipt id", "basket id", "bill no", "so no",
    "sales order no", "order", "invoice", "receipt", "order name", "document no", "订单编号", "订单号", "订单ID",
    "销售订单编号", "订单编码", "主订单编号", "子订单编号", "交易号", "交易编号", "交易单号", "订单流水号", "流水号",
    "小票号", "销售单号", "发票号", "单据编号", "单号", "订单",
)  # fmt: skip
_CUSTOMER_REF = (
    "customer id", "customer no", "member id", "member no", "buyer id", "user id", "shopper id", "household id",
    "account id", "contact id", "customer ref", "customer key", "customer", "member", "buyer", "user", "account no",
    "customer account", "customer name", "buyer name", "account name", "client name", "username", "account",
    "Contact Name.id", "Account Name.id", "客户编号", "客户编码", "客户号", "客户ID", "会员编号", "会员号",
    "会员卡号", "会员ID", "买家ID", "用户ID", "用户编号", "用户名", "买家昵称", "买家会员名", "买家账号", "会员名",
    "客户", "买家", "会员", "用户", "客户名称", "客户姓名", "买家姓名", "顾客编号", "顾客",
)  # fmt: skip
_ORDERED_AT = (
    "order date", "order time", "ordered at", "order created at", "order placed", "placed", "placed at",
    "invoice date", "purchase date", "transaction date", "sale date", "sold at", "paid at", "payment date",
    "created at", "created time", "creation date", "date", "time", "day", "下单时间", "下单日期", "订单时间",
    "订单日期", "订单创建时间", "创建时间", "付款时间", "支付时间", "付款日期", "支付日期", "订单付款时间",
    "成交时间", "成交日期", "交易时间", "交易日期", "购买时间", "购买日期", "消费时间", "消费日期", "销售日期",
    "开票日期", "日期", "时间",
)  # fmt: skip
_STATUS = (
    "order status", "status", "order state", "state", "financial status", "payment status", "fulfillment status",
    "订单状态", "交易状态", "状态", "支付状态",
)  # fmt: skip
_CURRENCY = ("currency", "currency code", "order currency", "ccy", "币种", "货币", "结算币种")
_CHANNEL = (
    "channel", "sales channel", "order channel", "order source", "platform", "store type", "渠道", "销售渠道",
    "订单来源", "来源渠道", "平台", "店铺",
)  # fmt: skip
_REGION = (
    "region", "country", "state", "province", "shipping country",
    "billing country", "shipping province", "billing state",
    "mailing state", "area", "省份", "省", "地区", "区域", "收货省份", "国家",
)  # fmt: skip
_UPDATED_AT = (
    "updated at", "modified at", "modified time", "last modified", "last updated", "update time", "modified date",
    "last modified time", "更新时间", "修改时间", "最后修改时间", "最近修改时间",
)  # fmt: skip
_CREATED_AT = ("created at", "created time", "created date", "creation date", "创建时间", "创建日期", "注册时间")
_COST = ("cost amount", "cost", "total cost", "cogs", "成本", "成本金额", "成本价", "总成本")
_DISCOUNT = (
    "discount amount", "discount", "total discount", "discounts", "coupon amount", "promotion amount", "优惠金额",
    "折扣金额", "优惠", "整单折扣", "折扣", "优惠券金额", "减免金额",
)  # fmt: skip
_PAID = (
    "amount paid", "paid amount", "net amount", "net total", "net sales", "paid", "payment amount", "order total",
    "grand total", "total paid", "实付金额", "实付款", "实际支付金额", "买家实际支付金额", "支付金额", "付款金额",
    "实收金额", "已收金额", "回款金额", "成交金额",
)  # fmt: skip
_GROSS = (
    "gross amount", "total amount", "order amount", "total", "order total", "grand total", "amount", "gross total",
    "total price", "order value", "subtotal", "sub total", "invoice amount", "value", "revenue", "price", "sales",
    "sum", "总金额", "订单金额", "订单总金额", "销售订单金额", "订单总价", "商品总价", "应付金额", "产品合计",
    "消费金额", "销售金额", "交易金额", "金额", "总价", "合计",
)  # fmt: skip
_REFUND_AMOUNT = (
    "refund amount", "refunded amount", "refund", "refunded", "amount refunded", "returned amount", "退款金额",
    "退货金额", "已退金额", "退款总额",
)  # fmt: skip
_REFUNDED_AT = (
    "refunded at",
    "refund date",
    "refund time",
    "returned on",
    "return date",
    "退款时间",
    "退款日期",
    "退货日期",
)
_OWNER = (
    "owner", "account owner", "contact owner", "lead owner", "deal owner", "sales rep", "salesperson", "负责人",
    "所有人", "归属人", "销售", "业务员", "跟进人",
)  # fmt: skip
_PRODUCT_ID = (
    "product id", "product no", "stock no", "stock code", "sku", "sku id", "item id", "item no", "article no",
    "product", "upc", "asin", "商品编号", "商品编码", "商品ID", "产品编号", "产品编码", "货号", "商品货号", "SKU编码",
    "商品", "产品",
)  # fmt: skip
_CATEGORY = (
    "category",
    "product category",
    "product type",
    "department",
    "类目",
    "品类",
    "商品分类",
    "产品分类",
    "分类",
)
_PHONE = (
    "mobile phone", "mobile", "phone", "phone no", "mobile no", "telephone", "customer phone", "contact phone",
    "手机号", "手机号码", "手机", "联系电话", "电话", "联系手机", "客户电话", "收货人手机",
)  # fmt: skip
_EMAIL = ("email", "e mail", "email address", "customer email", "邮箱", "电子邮箱", "邮件", "电子邮件")

# Of each entity, the names of its contract columns. `paid_amount` is none of them: it settles what the others are.
NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "orders": {
            "order_id": (*_ORDER_ID, "id", "编号"),
            "customer_ref": _CUSTOMER_REF,
            "ordered_at": _ORDERED_AT,
            "status": _STATUS,
            "gross_amount": _GROSS,
            "paid_amount": _PAID,
            "discount_amount": _DISCOUNT,
            "cost_amount": _COST,
            "currency": _CURRENCY,
            "channel": _CHANNEL,
            "region": _REGION,
            "refund_amount": _REFUND_AMOUNT,
            "refunded_at": _REFUNDED_AT,
            "updated_at": _UPDATED_AT,
        },
        "order_lines": {
            "order_id": _ORDER_ID,
            "line_number": ("line no", "line", "line number", "row no", "行号", "明细行号", "序号"),
            "product_id": _PRODUCT_ID,
            "category": _CATEGORY,
            "quantity": (
                "quantity", "units", "count", "购买数量", "商品数量", "数量", "件数", "销售数量",
            ),
            "unit_price": ("unit price", "price", "item price", "商品单价", "单价", "销售单价", "商品价格", "价格"),
            "line_amount": (
                "line amount", "line total", "sales value", "total price", "line price", "amount", "net amount",
                "extended price", "sales", "total", "商品金额", "明细金额", "小计", "销售金额", "实付金额", "金额",
            ),
            "discount_amount": _DISCOUNT,
            "customer_ref": _CUSTOMER_REF,
            "ordered_at": _ORDERED_AT,
            "status": _STATUS,
            "cost_amount": _COST,
            "currency": _CURRENCY,
            "channel": _CHANNEL,
            "region": _REGION,
            "updated_at": _UPDATED_AT,
        },
        "customers": {
            "customer_ref": (*_CUSTOMER_REF, "record id", "contact id", "id", "编号"),
            "name": (
                "full name", "customer name", "name", "contact name", "account name", "display name", "company name",
                "姓名", "客户姓名", "客户名称", "会员姓名", "联系人", "名称",
            ),
            "phone": _PHONE,
            "email": _EMAIL,
            "wechat_id": ("wechat id", "wechat", "微信号", "微信"),
            "registered_on": ("registered on", "registration date", "sign up date", "since", "joined", "join date",
                              "member since", "注册日期", "注册时间", "入会时间", "入会日期", "开卡日期"),
            "member_level": ("member level", "membership level", "tier", "level", "会员等级", "会员级别", "等级"),
            "industry": ("industry", "sector", "行业", "1级行业", "所属行业"),
            "company_size": ("company size", "employees", "no of employees", "人员规模", "公司规模"),
            "region": _REGION,
            "city": ("city", "mailing city", "billing city", "shipping city", "城市", "市"),
            "owner": _OWNER,
            "crm_level": ("customer level", "customer grade", "客户级别", "客户类型", "客户等级"),
            "do_not_contact": ("do not contact", "do not call", "勿扰", "免打扰"),
            "created_at": _CREATED_AT,
            "updated_at": _UPDATED_AT,
        },
        "refunds": {
            "refund_id": ("refund id", "refund no", "return id", "return no", "credit note no", "退款编号",
            "退款单号",
                          "退货单编号", "退款ID", "售后单号", "id"),
            "order_id": _ORDER_ID,
            "customer_ref": _CUSTOMER_REF,
            "refunded_at": (*_REFUNDED_AT, "refunded date", "date", "日期", "时间"),
            "amount": (*_REFUND_AMOUNT, "amount", "退货单总金额", "金额"),
            "currency": _CURRENCY,
        },
        "products": {
            "product_id": (*_PRODUCT_ID, "id", "编号"),
            "name": ("product name", "name", "title", "description", "item name", "商品名称", "产品名称", "商品标题",
            "名称"),
            "category": _CATEGORY,
            "brand": ("brand", "manufacturer", "vendor", "品牌", "品牌名称"),
            "launched_on": ("launched on", "launch date", "上市日期", "上架时间"),
            "is_available": ("is available", "available", "active", "是否在售", "是否上架"),
            "updated_at": _UPDATED_AT,
        },
        "leads": {
            "lead_id": ("lead id", "record id", "线索编号", "线索ID"),
            "customer_ref": ("customer id", "contact id", "account id", "客户编号", "客户ID"),
            "stage": ("lead status", "lead stage", "status", "stage", "线索状态", "线索阶段"),
            "created_at": _CREATED_AT,
            "updated_at": _UPDATED_AT,
        },
        "opportunities": {
            "opportunity_id": ("opportunity id", "deal id", "record id", "opportunity no", "商机编号", "商机ID"),
            "customer_ref": ("Contact Name.id", "Account Name.id", *_CUSTOMER_REF, "关联客户"),
            "status": ("阶段状态", "商机状态", "stage", "deal stage", "status"),
            "stage": ("stage", "deal stage", "sales stage", "商机阶段", "销售阶段"),
            "amount": ("amount", "deal value", "expected revenue", "商机金额", "预计金额", "金额"),
            "currency": _CURRENCY,
            "expected_close_on": ("closing date", "close date", "expected close", "预计成交日期", "结单日期"),
            "created_at": _CREATED_AT,
            "updated_at": _UPDATED_AT,
        },
        "interactions": {
            "interaction_id": ("interaction id", "call id", "activity id", "record id", "记录编号", "跟进编号"),
            "customer_ref": (*_CUSTOMER_REF, "关联客户"),
            "occurred_at": ("occurred at", "call start time", "activity date", "call time", "跟进时间", "拜访时间",
                            "联系时间", "date", "time", "时间", "日期"),
            "channel": ("channel", "activity type", "type", "跟进方式", "互动类型", "方式", "渠道"),
            "direction": ("direction", "call type", "方向"),
            "outcome": ("outcome", "result", "call result", "结果", "跟进结果"),
            "is_complaint": ("is complaint", "complaint", "是否投诉"),
            "resolved_at": ("resolved at", "解决时间"),
            "owner": _OWNER,
        },
        "consents": {
            "customer_ref": _CUSTOMER_REF,
            "channel": ("channel", "consent channel", "渠道", "同意渠道"),
            "occurred_at": ("occurred at", "consent date", "consent time", "date", "time", "同意时间", "时间",
            "日期"),
            "is_granted": ("is granted", "granted", "consent", "opt in", "是否同意", "同意"),
            "reason": ("reason", "原因"),
        },
        "exchange_rates": {
            "currency": ("currency", "currency code", "from currency", "币种", "货币"),
            "date": ("date", "rate date", "日期"),
            "rate": ("rate", "exchange rate", "汇率"),
        },
    }
)  # fmt: skip

# Words in the name of a file, a sheet or a table that say what it holds.
FILE_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "orders": ("orders", "order", "salesorder", "sales", "invoices", "订单", "销售订单", "交易"),
        "order_lines": ("orderlines", "lines", "lineitems", "orderitems", "items", "details", "明细", "订单明细"),
        "customers": ("customers", "customer", "contacts", "accounts", "members", "clients", "users", "客户", "会员",
                      "联系人", "用户"),
        "refunds": ("refunds", "refund", "returns", "退款", "退货", "售后"),
        "products": ("products", "product", "catalog", "skus", "商品", "产品"),
        "leads": ("leads", "lead", "线索"),
        "opportunities": ("deals", "opportunities", "pipeline", "商机"),
        "interactions": ("calls", "activities", "interactions", "销售记录", "跟进记录", "拜访"),
        "consents": ("consents", "consent", "同意", "授权"),
        "exchange_rates": ("exchangerates", "rates", "fx", "汇率"),
    }
)  # fmt: skip

# What the values of columns with a fixed choice mean, where it is sure.
MEANINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "orders.status": {
            "completed": (
                "completed", "complete", "paid", "shipped", "delivered", "fulfilled", "success", "successful", "done",
                "finished", "received", "invoiced", "partially refunded", "sold",
                "交易成功", "已完成", "完成", "交易完成", "已支付", "已付款", "支付成功", "付款成功", "已发货",
                "已签收",
                "已收货", "已送达", "成功", "部分退款", "卖家已发货", "已成交", "卖家已发货，等待买家确认",
                "wc-completed", "wc-processing",
            ),
            "cancelled": (
                "cancelled", "canceled", "cancel", "void", "voided", "failed", "expired", "declined",
                "wc-cancelled", "wc-failed", "交易关闭", "已取消", "取消",
                "已关闭", "关闭", "作废", "已作废", "交易取消",
            ),
            "refunded": (
                "wc-refunded", "refunded", "returned", "fully refunded",
                "chargeback", "已退款", "退款成功", "已退货", "全额退款",
                "付款以后用户退款成功，交易自动关闭", "退货成功",
            ),
            "pending": (
                "pending", "unpaid", "awaiting payment", "pending payment", "processing", "in progress", "on hold",
                "open", "draft", "authorized", "new",
                "wc-pending", "wc-on-hold", "买家已付款，等待卖家发货",
                "待付款", "等待买家付款", "未付款", "待支付", "未支付", "待发货", "处理中", "待确认", "待处理",
            ),
        },
        "opportunities.status": {
            "won": ("won", "closed won", "赢单", "已成交"),
            "lost": ("lost", "closed lost", "输单", "无效"),
            "open": ("open", "qualification", "needs analysis", "value proposition", "proposal price quote",
                     "negotiation review", "identify decision makers", "in progress", "进行中"),
        },
        "channel": {
            "phone": ("phone", "call", "电话", "手机"),
            "wechat": ("wechat", "微信", "chat"),
            "email": ("email", "e mail", "邮件", "邮箱"),
            "sms": ("sms", "text", "短信"),
            "visit": ("visit", "meeting", "拜访", "外勤"),
            "service": ("service", "support", "服务", "客服"),
        },
        "direction": {
            "inbound": ("inbound", "incoming", "来电", "客户来电", "呼入"),
            "outbound": ("outbound", "outgoing", "呼出", "主动联系", "去电"),
        },
    }
)  # fmt: skip

# Country as files write it: code, zone of most of its people, money.
COUNTRIES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        name: where
        for names, where in (
            (("china", "cn", "中国", "中国大陆"), ("CN", "Asia/Shanghai", "CNY")),
            (("united kingdom", "uk", "gb", "great britain", "england"), ("GB", "Europe/London", "GBP")),
            (("united states", "usa", "us", "united states of america"), ("US", "America/New_York", "USD")),
            (("germany", "de", "deutschland"), ("DE", "Europe/Berlin", "EUR")),
            (("france", "fr"), ("FR", "Europe/Paris", "EUR")),
            (("ireland", "ie", "eire"), ("IE", "Europe/Dublin", "EUR")),
            (("spain", "es"), ("ES", "Europe/Madrid", "EUR")),
            (("italy", "it"), ("IT", "Europe/Rome", "EUR")),
            (("netherlands", "nl"), ("NL", "Europe/Amsterdam", "EUR")),
            (("austria", "at"), ("AT", "Europe/Vienna", "EUR")),
            (("switzerland", "ch"), ("CH", "Europe/Zurich", "CHF")),
            (("poland", "pl"), ("PL", "Europe/Warsaw", "PLN")),
            (("sweden", "se"), ("SE", "Europe/Stockholm", "SEK")),
            (("canada", "ca"), ("CA", "America/Toronto", "CAD")),
            (("australia", "au"), ("AU", "Australia/Sydney", "AUD")),
            (("japan", "jp", "日本"), ("JP", "Asia/Tokyo", "JPY")),
            (("singapore", "sg", "新加坡"), ("SG", "Asia/Singapore", "SGD")),
            (("hong kong", "hk", "香港", "中国香港"), ("HK", "Asia/Hong_Kong", "HKD")),
            (("taiwan", "tw", "台湾"), ("TW", "Asia/Taipei", "TWD")),
            (("india",), ("IN", "Asia/Kolkata", "INR")),
            (("brazil", "br", "brasil"), ("BR", "America/Sao_Paulo", "BRL")),
        )
        for name in names
    }
)
# Where most who count in a money live, as far as one country stands for it.
PLACE_OF_MONEY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {money: (code, zone) for code, zone, money in COUNTRIES.values() if money not in ("EUR", "USD")}
    | {"EUR": ("DE", "Europe/Berlin"), "USD": ("US", "America/New_York")}
)

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CLOSE = 0.87


def has_chinese(text: str) -> bool:
    """Whether a name is written in Chinese, at least in part."""
    return _CHINESE.search(text) is not None


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name: `InvoiceNo.` and `invoice number` are both (invoice, no); what stands in brackets is left
    out.
    """
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r"[(\[（【][^)\]）】]*[)\]）】]", " ", text) or text
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    found = re.findall(r"#|№|[^\W_]+", text.casefold())
    return tuple(SAME_WORDS.get(word, word) for word in found)


@cache
def _compact(name: str) -> frozenset[str]:
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", re.sub(r"[(（][^)）]*[)）]", "", name)).casefold())
    return frozenset({"".join(words(name)), plain} - {""})


def alike(header: str, name: str) -> float:
    """How surely `header` is called `name`: 1 the same words, 0.75 they stand within it, 0.6 written nearly so, 0."""
    here, there = _compact(header), _compact(name)
    if here & there:
        return 1.0
    if not here or not there:
        return 0.0
    if has_chinese(name):
        plain = max(there, key=len)
        return 0.75 if len(plain) >= 4 and any(plain in each for each in here) else 0.0
    own = words(name)
    if len(own) >= 2 and set(own) <= set(words(header)) and len(words(header)) <= len(own) + 2:
        return 0.75
    longest = max(here, key=len)
    close = max(SequenceMatcher(None, longest, each).ratio() for each in there)
    return 0.6 if len(longest) >= 6 and close >= _CLOSE else 0.0


@cache
def is_known_name(header: str) -> bool:
    """Whether some contract column is called so."""
    return bool(_compact(header) & _known())


@cache
def _known() -> frozenset[str]:
    return frozenset(
        compact
        for columns in NAMES.values()
        for names in columns.values()
        for each in names
        for compact in _compact(each)
    )


def meaning(column: str, value: str) -> str | None:
    """What a value of a column with a fixed choice means, None where that is not sure."""
    here = _compact(value)
    return next((choice for choice, said in MEANINGS.get(column, {}).items() if here & _compacts(said)), None)


@cache
def _compacts(names: Iterable[str]) -> frozenset[str]:
    return frozenset(compact for name in names for compact in _compact(name))


def entity_hint(*names: str) -> dict[str, float]:
    """How strongly the names of file, sheet and table say what it holds, by entity."""
    hints: dict[str, float] = {}
    for name in names:
        own = re.findall(r"[a-z]+|[\u4e00-\u9fff]+", name.casefold())
        joined = "".join(own)
        for entity, said in FILE_WORDS.items():
            for word in said:
                is_there = word in own or (word in joined and (has_chinese(word) or len(word) > 6))
                if is_there:
                    hints[entity] = max(hints.get(entity, 0.0), 1.0 + 0.1 * len(word))
    return hints
