"""The served OpenAPI document, and what is wrong with an answer by its lights."""

import json
import re

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

HERE = "urn:contract"


class Contract:
    def __init__(self, text):
        self.document_faults = [
            f"{'/'.join(map(str, e.path))}: {e.message}"
            for e in OpenAPIV31SpecValidator(json.loads(text)).iter_errors()
        ]
        # Absolute references let any part of the document be validated on its own.
        self.doc = json.loads(text, object_hook=absolute)
        resource = Resource(contents=self.doc, specification=DRAFT202012)
        self.registry = Registry().with_resource(HERE, resource)
        self.patterns = [(pattern(path), path) for path in self.doc["paths"]]
        self.answered = set()

    def resolve(self, node):
        while "$ref" in node:
            target = self.doc
            for part in node["$ref"].split("#/", 1)[1].split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operation(self, method, path):
        for regex, template in self.patterns:
            if regex.fullmatch(path):
                return self.doc["paths"][template].get(method.lower())
        return None

    def operations(self):
        for item in self.doc["paths"].values():
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    yield item[method]["operationId"]

    def faults(self, method, path, reply):
        """What the document does not allow in this answer, as readable lines."""
        operation = self.operation(method, path)
        if operation is None:
            if reply.status != 405:
                return [f"{method} {path} is not in the document"]
            response = self.doc["components"]["responses"]["MethodNotAllowed"]
        else:
            response = operation["responses"].get(str(reply.status))
            if response is None:
                known = ", ".join(operation["responses"])
                return [f"status {reply.status} is not documented (there are {known})"]
            if reply.status < 300:
                self.answered.add(operation["operationId"])
        response = self.resolve(response)
        return self.header_faults(response, reply) + self.body_faults(response, reply)

    def header_faults(self, response, reply):
        faults = []
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            value = reply.headers.get(name)
            if value is None:
                if header.get("required"):
                    faults.append(f"header {name} is missing")
            else:
                found = self.schema_faults(header["schema"], value)
                faults += [f"header {name}: {f}" for f in found]
        return faults

    def body_faults(self, response, reply):
        content = response.get("content")
        if not content:
            return [f"a body of {len(reply.raw)} bytes where none is documented"] if reply.raw else []
        media = (reply.headers.get("Content-Type") or "").split(";")[0].strip()
        if media not in content:
            return [f"Content-Type {media or 'missing'}, wanted {' or '.join(content)}"]
        if not media.endswith("json"):
            return self.schema_faults(content[media]["schema"], reply.text)
        if reply.json is None:
            return [f"the body is not JSON: {reply.text[:200]!r}"]
        return self.schema_faults(content[media]["schema"], reply.json)

    def schema_faults(self, schema, value):
        """Schema errors, then members that the document does not know."""
        # Of "matches none of these", say what is wrong with the nearest one.
        errors = [best_match([e]) for e in self.validator(schema).iter_errors(value)]
        faults = [f"{e.json_path}: {e.message[:300]}" for e in errors]
        return faults or [f"{where}: not in the document" for where in self.strays(schema, value, "$")]

    def validator(self, schema):
        return Draft202012Validator(schema, registry=self.registry, format_checker=FormatChecker())

    def strays(self, schema, value, where):
        layers = list(self.layers(schema, value))
        if isinstance(value, list):
            items = {"allOf": [layer["items"] for layer in layers if "items" in layer]}
            for i, element in enumerate(value):
                yield from self.strays(items, element, f"{where}[{i}]")
        elif isinstance(value, dict):
            closed = any("properties" in layer for layer in layers)
            is_open = any(layer.get("additionalProperties") is True for layer in layers)
            for name, member in value.items():
                known = [s["properties"][name] for s in layers if name in s.get("properties", {})]
                if known:
                    yield from self.strays({"allOf": known}, member, f"{where}.{name}")
                elif closed and not is_open:
                    yield f"{where}.{name}"

    def layers(self, schema, value):
        """The schemas that speak about this value, through references and combinations."""
        yield schema
        if "$ref" in schema:
            yield from self.layers(self.resolve({"$ref": schema["$ref"]}), value)
        for part in schema.get("allOf", []):
            yield from self.layers(part, value)
        for part in schema.get("anyOf", []) + schema.get("oneOf", []):
            if self.validator(part).is_valid(value):
                yield from self.layers(part, value)

    def callback_faults(self, name, headers, body):
        operation = self.doc["webhooks"][name]["post"]
        described = operation.get("parameters") or self.doc["webhooks"]["requestEvent"]["post"]["parameters"]
        faults = []
        for parameter in map(self.resolve, described):
            value = headers.get(parameter["name"])
            if value is None:
                if parameter.get("required"):
                    faults.append(f"header {parameter['name']} is missing")
            else:
                found = self.schema_faults(parameter["schema"], value)
                faults += [f"header {parameter['name']}: {f}" for f in found]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return faults + self.schema_faults(schema, body)


def absolute(node):
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        node["$ref"] = HERE + reference
    return node


def pattern(path):
    parts = re.split(r"(\{\w+\})", path)
    return re.compile("".join("[^/]+" if p.startswith("{") else re.escape(p) for p in parts))
