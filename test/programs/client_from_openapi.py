"""A client made of an OpenAPI document alone, of Python's standard library alone.

client_from_openapi.py URL [KEY]: enqueue a task, look at it until it is final, and print the result
as JSON. Each operation of the document becomes a method, by its operationId; what is not in the
document (a path, a parameter, a field of a body) cannot be sent.
"""

import json
import sys
import time
import urllib.parse
import urllib.request


class Client:
    def __init__(self, url, key=None):
        self._url, self._key = url, key
        self._document = json.load(urllib.request.urlopen(self._request("GET", "/openapi.json")))
        for path, operations in self._document["paths"].items():
            for method, operation in operations.items():
                setattr(self, operation["operationId"], self._method(method, path, operation))

    def _request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, method=method.upper())
        if self._key is not None:
            request.add_header("X-API-Key", self._key)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        return request

    def _method(self, method, path, operation):
        known = {one["name"]: one["in"] for one in operation.get("parameters", [])}

        def call(body=None, **given):
            unknown = [name for name in given if known.get(name) not in ("path", "query")]
            if unknown:
                raise TypeError(f"{operation['operationId']} has no {', '.join(unknown)}")
            self._check_body(operation, body)
            query = {name: value for name, value in given.items() if known[name] == "query"}
            filled = path
            for name, value in given.items():
                filled = filled.replace("{%s}" % name, urllib.parse.quote(str(value), safe=""))
            ending = "?" + urllib.parse.urlencode(query) if query else ""
            request = self._request(method, filled + ending, body)
            with urllib.request.urlopen(request) as answer:
                assert str(answer.status) in operation["responses"], answer.status
                return json.load(answer)

        return call

    def _check_body(self, operation, body):
        if body is None:
            return
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        fields = self._fields(schema)
        unknown = [name for name in body if name not in fields]
        if unknown:
            raise TypeError(f"{operation['operationId']} takes no {', '.join(unknown)}")

    def _fields(self, schema):
        """All that an object of it may have."""
        if "$ref" in schema:
            *_, name = schema["$ref"].split("/")
            return self._fields(self._document["components"]["schemas"][name])
        fields = set(schema.get("properties", {}))
        for part in schema.get("anyOf", []) + schema.get("oneOf", []):
            fields |= self._fields(part)
        return fields


def main(url, key=None):
    client = Client(url, key)
    enqueued = client.postApiTasks({"task_type": "greet", "payload": {"name": "Ada"}})
    task = client.getApiTasksById(id=enqueued["task_id"])
    while task["ended_at"] is None:
        time.sleep(0.05)
        task = client.getApiTasksById(id=enqueued["task_id"])
    listed = client.getApiTasks(type="greet", limit=1)
    try:
        client.postApiTasks({"task_type": "greet", "prority": 1})
    except TypeError as error:
        refused = str(error)
    print(json.dumps({
        "status": task["status"],
        "result": task["result"],
        "listed": [one["task_id"] for one in listed["tasks"]] == [enqueued["task_id"]],
        "refused": refused,
    }))


main(*sys.argv[1:])
