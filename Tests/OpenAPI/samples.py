"""Bodies and values that several scenarios send."""

import uuid

ANSWER = {
    "findings": [{"question": "q1", "result": "confirmed", "source": "婚姻登记系统", "asOf": "2021-05-20"}],
    "text": "经查属实。", "reference": "启民协复〔2026〕31号", "signatory": "王五",
}
DECLINE = {"reasonCode": "not-competent", "reason": "申请人的登记档案不由本机关保管。", "signatory": "王五"}
WITHDRAW = {"reason": "申请人退出承诺，改交证明原件。"}
NOBODY = "01a1f6ae-9900-7c1e-9a3b-5d2f8e6a1b04"


def fresh():
    """An idempotency key that nobody has used."""
    return f"check-{uuid.uuid4()}"


def organ_code(number):
    """A well-formed code (GB 11714, GB 32100) for an eight-digit organ number."""
    digits = [int(c) for c in number]
    rest = 11 - sum(c * w for c, w in zip(digits, (3, 7, 9, 10, 5, 8, 4, 2))) % 11
    code = "11320681" + number + {10: "X", 11: "0"}.get(rest, str(rest))
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(alphabet.index(c) * w for c, w in zip(code, weights))
    return code + alphabet[(31 - total % 31) % 31]
