"""Runs every scenario in turn, then says which operations were never seen to succeed."""

import http.client
import json
import os
import sys
import traceback

try:
    from client import Broken, Client, Tally
    from contract import Contract
except ImportError as error:
    print(f"check: {error}; XIECHA_TEST_PYTHON must name a Python with openapi-spec-validator", file=sys.stderr)
    sys.exit(2)

import detours
import lifecycle
import pushing
import reference
import refusals
import rehearsal
import reports


class World:
    """The daemon under test, the parties' keys, and an item that one of them may ask another about."""

    def __init__(self, client, keys):
        self.client, self.call, self.that = client, client.call, client.that
        self.tally, self.contract = client.tally, client.contract
        self.operator, self.organs = keys["operator"], keys["organs"]

    def choose_parties(self):
        some_key = next(iter(self.organs.values()))
        found = self.call(
            "the assistance list", "GET", "/v1/assistance-list", 200, key=some_key, query={"limit": 500}, must=True)
        organs = self.call("organs", "GET", "/v1/organs", 200, key=some_key, query={"limit": 500}, must=True)
        # A supervisor reads what its region's organs ask of each other; it is no stranger.
        supervisors = {organ["code"] for organ in organs.json["items"] if "supervisor" in organ["roles"]}
        for entry in found.json["items"]:
            parties = (entry.get("requester"), entry.get("obliged"))
            others = [code for code in self.organs if code not in parties and code not in supervisors]
            if all(code in self.organs for code in parties) and parties[0] != parties[1] and others:
                self.entry, self.list = entry, found.json["items"]
                self.asking, self.asked = parties
                self.requester, self.responder = self.organs[self.asking], self.organs[self.asked]
                self.stranger, self.third = self.organs[others[0]], others[0]
                self.supervising = next((c for c in supervisors if c in self.organs and c not in parties), None)
                return
        raise Broken("no entry of the assistance list whose organs both have keys")

    def supervisor(self):
        """The key of the supervising organ that is no party; None when there is none."""
        return self.organs.get(self.supervising)

    def body(self, **changes):
        whole = {
            "item": self.entry["item"],
            "subject": {
                "kind": "person", "name": "张三", "idType": "resident-id", "idNumber": "11010519491231002X"},
            "commitment": {"number": "（2026年）第12号", "signedOn": "2021-05-20", "byAgent": False},
            "questions": [{"id": "q1", "text": "申请人是否已办理结婚登记", "asOf": "2021-05-20"}],
            "purpose": "产前检查费支付", "reason": "数据尚未实现网络共享", "reference": "启医保协查〔2026〕12号",
            "contact": {"name": "赵六", "phone": "0513-80000000"}, "signatory": "钱七",
        }
        whole.update(changes)
        return {name: value for name, value in whole.items() if value is not None}

    def submit(self, name="submit", **changes):
        return self.call(
            name, "POST", "/v1/requests", 201, key=self.requester, body=self.body(**changes), must=True)

    def move(self, name, request, verb, want, key, body, **rest):
        return self.call(name, "POST", f"/v1/requests/{request}/{verb}", want, key=key, body=body, **rest)


def load_contract(client):
    """Reads and validates the document; False when there is none to go by."""
    try:
        reply = client.send("GET", "/openapi.json", None, None, None, None, {})
        wrong = [] if reply.status == 200 and reply.json else [str(reply)]
    except (OSError, http.client.HTTPException) as error:
        wrong = [f"no daemon at {client.host}: {type(error).__name__} {error}"]
    if not wrong:
        client.contract = Contract(reply.text)
        wrong = client.contract.document_faults
    client.tally.record("/openapi.json is valid OpenAPI 3.1", wrong)
    return client.contract is not None


def run(world, scenario):
    name = f"{scenario.__module__}.{scenario.__name__}"
    try:
        scenario(world)
    except Broken as broken:
        world.tally.record(name, [f"the rest was not tried: {broken} failed"])
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(where.filename)}:{where.lineno}"
        world.tally.record(name, [f"the rest was not tried: {type(error).__name__} {error} at {place}"])


def main(arguments):
    if len(arguments) != 2:
        print("usage: check BASE_URL KEYS_JSON", file=sys.stderr)
        return 2
    try:
        with open(arguments[1], encoding="utf-8") as file:
            keys = json.load(file)
        world = World(Client(arguments[0], Tally()), keys)
    except (OSError, ValueError, KeyError) as error:
        print(f"check: {arguments[1]}: {type(error).__name__} {error}", file=sys.stderr)
        return 2
    if load_contract(world.client):
        world.contract = world.client.contract
        run(world, World.choose_parties)
    if hasattr(world, "requester"):
        for module in (reference, lifecycle, detours, refusals, pushing, reports, rehearsal):
            for scenario in module.SCENARIOS:
                run(world, scenario)
        unseen = set(world.contract.operations()) - world.contract.answered
        if not getattr(world, "rehearsing", False):
            unseen.discard("advanceClock")
        missing = [f"{name} never did" for name in sorted(unseen)]
        world.tally.record("every operation succeeded once", missing)
    print(f"{world.tally.passed} passed, {world.tally.failed} failed")
    return 1 if world.tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
