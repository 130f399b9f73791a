"""validate.py CRD... -- MANIFEST...: holds manifests against their schemas.

Kubernetes' own kinds against the newest version that kubernetes-validate knows, others
against the CRDs given, all of them strictly: a field that is not known is a mistake, and so
is a kind that is not. And what no schema says, but k8s/README.md does.
"""

import sys

import yaml
from jsonschema import Draft202012Validator
from kubernetes_validate import SchemaNotFoundError, ValidationError, latest_version, validate

# An enum of the operator's has a bare =, which YAML 1.1 gives a meaning of its own.
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)


def documents(path):
    with open(path) as file:
        return [document for document in yaml.safe_load_all(file) if document]


def closed(schema):
    """The schema, no longer open to fields that it does not name."""
    inner = list(schema.get("properties", {}).values())
    inner += [schema.get("items"), schema.get("additionalProperties")]
    for it in inner:
        if isinstance(it, dict):
            closed(it)
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema


def schemas_of(crd):
    spec = crd["spec"]
    for version in spec["versions"]:
        kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
        yield kind, closed(version["schema"]["openAPIV3Schema"])


def by_schema(document, custom):
    """What its schema has against a document."""
    schema = custom.get((document["apiVersion"], document["kind"]))
    if schema:
        for error in Draft202012Validator(schema).iter_errors(document):
            yield f"{error.json_path}: {error.message}"
        return
    try:
        validate(document, latest_version(), strict=True)
    except ValidationError as error:
        yield f"{'.'.join(map(str, error.path))}: {error.message}"
    except SchemaNotFoundError as error:
        yield error.message


def by_promise(document, settings):
    """What k8s/README.md has against a Deployment."""
    name, spec = document["metadata"]["name"], document["spec"]
    if name == "pedidos-worker" and "replicas" in spec:
        yield "replicas is set: an apply would undo what was scaled"
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    if name == "pedidos-api":
        asks = any(it["name"] == "API_KEYS_FILE" for it in container["env"])
        if asks == (settings.get("ALLOW_ANONYMOUS") == "true"):
            yield "it must have API_KEYS_FILE or ALLOW_ANONYMOUS, and not both"
    waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    needed = waits + int(settings["SHUTDOWN_GRACE_MS"]) / 1000
    if pod["terminationGracePeriodSeconds"] <= needed:
        yield f"terminationGracePeriodSeconds is not longer than the {needed:g} s a pod may take"


def by_promise_of_scaling(document):
    """What k8s/README.md has against a ScaledObject: a figure that is missing is no zero."""
    if "fallback" not in document["spec"]:
        yield "it has no fallback"
    for trigger in document["spec"]["triggers"]:
        if trigger["type"] == "prometheus" and trigger["metadata"].get("ignoreNullValues") != "false":
            yield f"ignoreNullValues is not \"false\": {trigger['metadata']['query']}"


def main():
    split = sys.argv.index("--")
    crds = [crd for path in sys.argv[1:split] for crd in documents(path)]
    custom = dict(pair for crd in crds for pair in schemas_of(crd))
    wrong = checked = 0
    for path in sys.argv[split + 1 :]:
        all_of_it = documents(path)
        settings = next(
            it["data"]
            for it in all_of_it
            if it["kind"] == "ConfigMap" and "SHUTDOWN_GRACE_MS" in it["data"]
        )
        for document in all_of_it:
            mistakes = list(by_schema(document, custom))
            if document["kind"] == "Deployment":
                mistakes += by_promise(document, settings)
            if document["kind"] == "ScaledObject":
                mistakes += by_promise_of_scaling(document)
            for mistake in mistakes:
                print(f"{path}: {document['kind']} {document['metadata']['name']}: {mistake}")
            wrong += len(mistakes)
            checked += 1
    kinds = f"Kubernetes {latest_version()} and {len(custom)} custom kinds"
    print(f"{checked} resources, {kinds}: {wrong} mistakes")
    return wrong > 0


sys.exit(main())
