"""What may happen on the way to an answer, and every procedure opened and answered by its own definition."""

from samples import ANSWER, WITHDRAW, fresh

RETURN = {"reason": "登记档案不由本机关保管"}
EXTEND = {"workingDays": 2, "reason": "需调阅纸质档案", "approver": "王局长"}
CONTRADICTED = {
    "findings": [{"question": "q1", "result": "contradicted", "source": "婚姻登记系统", "asOf": "2021-05-20"}],
    "signatory": "王五"}


def supplement_and_extension(w):
    id = w.submit("submit for a supplement").json["id"]
    asked = w.move("ask", id, "ask", 200, w.responder, {"text": "请补充结婚登记地"}, must=True).json
    w.that("asked", (asked["state"], asked["due"]["status"]) == ("awaiting-supplement", "paused"), asked["due"])
    w.move("answer while waiting", id, "answer", 409, w.responder, ANSWER, code="illegal-transition")
    w.move("remind while waiting", id, "remind", 200, w.requester, {"text": "请留意"})
    supplied = w.move("supply", id, "supply", 200, w.requester, {"text": "启东市"}, must=True).json
    w.that("supplied", supplied["state"] == "acknowledged" and supplied["due"]["status"] == "running", supplied["due"])
    w.move("remind when it runs again", id, "remind", 200, w.requester, {"text": "请留意"})
    w.move("ask again", id, "ask", 409, w.responder, {"text": "再补充"}, code="already-asked")
    extended = w.move("extend", id, "extend", 200, w.responder, EXTEND, must=True).json
    w.that("extended", extended["due"]["workingDays"] == supplied["due"]["workingDays"] + 2, extended["due"])
    w.move("extend again", id, "extend", 409, w.responder, EXTEND, code="already-extended")
    line = w.call("the ledger", "GET", f"/v1/requests/{id}/deadline", 200, key=w.requester, must=True).json
    types = [entry["type"] for entry in line["ledger"]]
    wanted = ["request.submitted", "request.supplement-asked", "request.supplied", "request.extended"]
    w.that("the ledger tells it", types == wanted, types)
    spans = [(span["kind"], span["cause"].split(".")[1], span["clock"], span["budget"]) for span in line["spans"]]
    days = line["spans"][0]["budget"]
    w.that("span by span", spans == [
        ("running", "submitted", 1, days), ("paused", "supplement-asked", 1, days), ("running", "supplied", 2, days),
        ("running", "extended", 2, days + EXTEND["workingDays"])], spans)
    w.move("answer", id, "answer", 200, w.responder, CONTRADICTED, must=True)
    w.move("rectify without a date", id, "dispose", 422, w.requester, {"measure": "rectify", "text": "限期整改"})
    closed = w.move(
        "dispose", id, "dispose", 200, w.requester,
        {"measure": "rectify", "by": "2030-12-31", "text": "限期整改"}, must=True).json
    w.that("a false commitment is on offer", closed["followUps"] == [
        {"procedure": "false-commitment", "how": "offers", "request": None}], closed["followUps"])
    w.that("disposed", closed["state"] == "closed" and closed["disposal"]["by"] == "2030-12-31", closed["disposal"])
    w.move("close what is closed", id, "close", 409, w.requester, {}, code="illegal-transition")


def return_and_transfer(w):
    id = w.submit("submit for a return").json["id"]
    w.move("transfer before a return", id, "transfer", 409, w.requester, {"to": w.third, "reason": "另有主管"},
           code="illegal-transition")
    returned = w.move("return", id, "return", 200, w.responder, RETURN, must=True).json
    w.that("returned", returned["state"] == "returned" and returned["return"]["reason"] == RETURN["reason"], returned)
    w.move("transfer to itself", id, "transfer", 422, w.requester, {"to": w.asking, "reason": "移送办理"}, code="same-organ")
    moved = w.move("transfer", id, "transfer", 200, w.requester, {"to": w.third, "reason": "由其掌握"}, must=True).json
    w.that("transferred", moved["to"]["code"] == w.third and moved["state"] == "submitted", moved["to"])
    w.call("who had it sees it no longer", "GET", f"/v1/requests/{id}", 404, key=w.responder, code="not-found")
    w.move("return by the next", id, "return", 200, w.stranger, RETURN, must=True)
    referred = w.move(
        "transfer back", id, "transfer", 200, w.requester, {"to": w.asked, "reason": "仍应由其办理"}, must=True).json
    w.that("a superior is to rule", referred["state"] == "returned" and referred["referral"], referred["referral"])
    w.move("transfer once more", id, "transfer", 409, w.requester, {"to": w.asked, "reason": "移送办理"}, code="referred")
    arbiter = w.organs.get(referred["referral"]["to"]["code"])
    if arbiter:
        ruled = w.move("rule", id, "transfer", 200, arbiter, {"to": w.asked, "reason": "由其办理"}, must=True).json
        w.that("ruled", ruled["to"]["code"] == w.asked and ruled["transfers"][-1].get("ruledBy"), ruled["transfers"])
        w.move("return against the ruling", id, "return", 409, w.responder, RETURN, code="ruled")
    w.move("withdraw", id, "withdraw", 200, w.requester, WITHDRAW)
    returned = w.submit("submit for a dispute").json["id"]
    w.move("return to dispute", returned, "return", 200, w.responder, RETURN, must=True)
    disputed = w.move(
        "transfer to who returned it", returned, "transfer", 200, w.requester, {"to": w.asked, "reason": "仍应由其办理"},
        must=True).json
    w.that("a superior is to rule on it", disputed["state"] == "returned" and disputed["referral"], disputed["referral"])
    arbiter = w.organs.get(disputed["referral"]["to"]["code"])
    if arbiter:
        ruled = w.move(
            "rule for who returned it", returned, "transfer", 200, arbiter, {"to": w.asked, "reason": "由其办理"},
            must=True).json
        w.that("it is there again", ruled["to"]["code"] == w.asked and ruled["state"] == "submitted", ruled["state"])
        w.move("decline against the ruling", returned, "decline", 409, w.responder, {
            "reasonCode": "not-competent", "reason": "不属于本机关职权", "signatory": "赵六"}, code="ruled")
    declined = w.submit("submit to close").json["id"]
    w.move("return to close", declined, "return", 200, w.responder, RETURN, must=True)
    w.move("close", declined, "close", 200, w.requester, {"text": "改由申请人自行提供"})


def commitment(w):
    number = {"number": f"（2026年）{fresh()}", "byAgent": False}
    ids = [w.submit(f"submit {n} under it", commitment=number).json["id"] for n in range(3)]
    w.move("answer one", ids[0], "answer", 200, w.responder, ANSWER, must=True)
    body, key = {"number": number["number"], "reason": "申请人退出承诺"}, fresh()
    for turn in ("withdraw the commitment", "withdraw it again under the key"):
        reply = w.call(
            turn, "POST", "/v1/commitments/withdraw", 200, key=w.requester, body=body,
            headers={"Idempotency-Key": key}, must=True).json
        w.that(f"{turn}: the open ones", [item["id"] for item in reply["items"]] == ids[1:], reply)
    w.call("nobody else's", "POST", "/v1/commitments/withdraw", 200, key=w.stranger, body=body)
    w.call("no number", "POST", "/v1/commitments/withdraw", 422, key=w.requester, body={"reason": "申请人退出承诺"})


def value(field, w, earlier, received=None):
    """Something that fits a field of a definition; of an answer also what the day of receipt allows."""
    kind = field["type"]
    if kind == "text":
        known = {"[0-9]{4}-H[12]": "2026-H1"}
        return known.get(field.get("pattern"), "详见附件材料说明"[: field["maxLength"]])
    if kind == "choice":
        return field["choices"][0]["id"]
    return {
        "date": "2099-01-05" if field.get("when") == "future" else received if "notBefore" in field else "2021-05-20",
        "integer": field.get("minimum", 1),
        "boolean": True, "organ": w.asked, "subjectID": "11010519491231002X", "request": earlier}[kind]


def follows(w, name, outcome, done, opener):
    """What the outcome obliges is there, and what it undoes is undone."""
    if outcome and outcome["how"] == "reverses":
        report = w.call(
            f"{name}: undone", "GET", f"/v1/requests/{done['data'][outcome['field']]}", 200, key=w.organs[opener]).json
        w.that(f"{name}: by it", report["reversed"]["by"] == done["id"], report["reversed"])
    elif outcome and outcome["next"]:
        link = done["followUps"][0]
        w.that(f"{name}: it follows", link["procedure"] == outcome["next"], link)
        if link["request"]:
            opened = w.call(
                f"{name}: opened", "GET", f"/v1/requests/{link['request']}", 200, key=w.organs[opener]).json
            w.that(f"{name}: from it", opened["origin"] == done["id"], opened["origin"])
    else:
        w.that(f"{name}: nothing follows", done["followUps"] == [], done["followUps"])


def every_procedure(w):
    """Opened by an organ that may, asked of one that answers, and answered with every outcome."""
    found = w.call("procedures", "GET", "/v1/procedures", 200, key=w.requester, query={"limit": 100}, must=True).json
    organs = w.call("organs", "GET", "/v1/organs", 200, key=w.requester, query={"limit": 500}, must=True).json["items"]
    earlier = w.submit("an earlier request").json["id"]

    def holders(roles, but=None):
        return [o["code"] for o in organs
                if o["code"] in w.organs and o["code"] != but and (not roles or set(roles) & set(o["roles"]))]

    w.that("all twenty of them", len(found["items"]) == 20, len(found["items"]))
    for p in found["items"]:
        pairs = [(a, b) for a in holders(p["openers"]["roles"])
                 for b in ([a] if p["openers"]["itself"] else holders(p["answerers"]["roles"], a))]
        w.that(f"{p['id']}: somebody may open and answer it", pairs, p["answerers"])
        opener, target = pairs[0]
        body = w.body(
            procedure=p["id"], to=target, item=None,
            data={f["name"]: value(f, w, earlier) for f in p["fields"] if f["required"]})
        if p["expects"]["item"] == "required":
            body["item"] = w.entry["item"]
        for part in ("subject", "questions"):
            if p["expects"][part] == "none":
                del body[part]
        for outcome in p["outcomes"] if p["answerKind"] == "outcome" else [None]:
            name = f"{p['id']} {outcome['id'] if outcome else 'findings'}"
            for undone in (o for o in p["outcomes"] if o["how"] == "reverses"):
                report = w.body(procedure=undone["next"], to=target, item=None, data={"kind": "broken"})
                del report["questions"]
                made = w.call(f"{name}: what it undoes", "POST", "/v1/requests", 201, key=w.organs[opener], body=report)
                body["data"][undone["field"]] = made.json["id"]
            made = w.call(f"{name}: open", "POST", "/v1/requests", 201, key=w.organs[opener], body=body, must=True).json
            w.that(f"{name}: its own", made["procedure"] == p["id"] and made["data"] == body["data"], made["data"])
            answer = ANSWER if not outcome else {
                "outcome": outcome["id"], "text": "办理完毕", "signatory": "王五",
                "data": {f["name"]: value(f, w, earlier, made["receivedAt"][:10]) for f in p["answerFields"]
                         if f["required"] or f["name"] in outcome["requires"]}}
            if outcome and outcome["requires"]:
                w.move(f"{name}: incomplete", made["id"], "answer", 422, w.organs[target], answer | {"data": {}})
            if p["acknowledgeDays"] or p["clock"]["kind"] == "acknowledge":
                seen = w.move(f"{name}: acknowledge", made["id"], "acknowledge", 200, w.organs[target], {}, must=True).json
                if p["clock"]["kind"] == "acknowledge":
                    w.that(f"{name}: that was all", seen["due"]["status"] == "met", seen["due"])
            done = w.move(f"{name}: answer", made["id"], "answer", 200, w.organs[target], answer, must=True).json
            w.that(f"{name}: answered", done["state"] == "answered", done["state"])
            follows(w, name, outcome, done, opener)
        bad = dict(body, data=dict(body["data"], surprise=1))
        w.call(f"{p['id']}: a field of another", "POST", "/v1/requests", 422, key=w.organs[opener], body=bad)


SCENARIOS = [supplement_and_extension, return_and_transfer, commitment, every_procedure]
