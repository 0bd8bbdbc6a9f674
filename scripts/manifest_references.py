"""Checks what schemas do not see in rendered Kubernetes manifests: selectors that match nothing, ports, config maps and
secrets that are not there, images without a tag.

    manifest_references.py FILE...
    manifest_references.py --self-test
"""

import sys

import yaml


def errors(resources):
    """Every reference that leads nowhere, as a sentence."""
    found = []
    by_kind = {}
    for resource in resources:
        by_kind.setdefault(resource["kind"], {})[resource["metadata"]["name"]] = resource
    pods = {name: deployment["spec"]["template"] for name, deployment in by_kind.get("Deployment", {}).items()}

    def selected(labels):
        return [
            name
            for name, pod in pods.items()
            if labels and labels.items() <= pod["metadata"].get("labels", {}).items()
        ]

    for name, deployment in by_kind.get("Deployment", {}).items():
        if selected(deployment["spec"]["selector"].get("matchLabels")) != [name]:
            found.append(f"Deployment {name}: its selector does not select its own pods alone")
        found += container_errors(name, pods[name]["spec"], by_kind)
    for name, service in by_kind.get("Service", {}).items():
        targets = selected(service["spec"].get("selector"))
        if not targets:
            found.append(f"Service {name}: its selector matches nothing")
        for target in targets:
            names = {
                port["name"] for container in pods[target]["spec"]["containers"] for port in container.get("ports", [])
            }
            for port in service["spec"]["ports"]:
                if port.get("targetPort") not in names:
                    found.append(f"Service {name}: {target} has no port {port.get('targetPort')}")
    for name, budget in by_kind.get("PodDisruptionBudget", {}).items():
        if not selected(budget["spec"]["selector"].get("matchLabels")):
            found.append(f"PodDisruptionBudget {name}: its selector matches nothing")
    return found


def container_errors(name, pod, by_kind):
    found = []

    def want(kind, wanted, key=None):
        resource = by_kind.get(kind, {}).get(wanted)
        if resource is None:
            found.append(f"{name}: there is no {kind} {wanted}")
        elif key and key not in {**resource.get("data", {}), **resource.get("stringData", {})}:
            found.append(f"{name}: {kind} {wanted} has no key {key}")

    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for volume in volumes.values():
        sources = [volume] + volume.get("projected", {}).get("sources", [])
        for source in sources:
            if "configMap" in source:
                want("ConfigMap", source["configMap"]["name"])
            if "secret" in source:
                secret = source["secret"]
                for item in secret.get("items", [{}]):
                    want("Secret", secret.get("secretName") or secret.get("name"), item.get("key"))
    for container in pod["containers"]:
        if ":" not in container["image"].rsplit("/")[-1]:
            found.append(f"{name}: the image {container['image']} has no tag")
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            for field, kind in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")]:
                if field in source:
                    want(kind, source[field]["name"], source[field]["key"])
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                found.append(f"{name}: there is no volume {mount['name']}")
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"]:
            if probe not in container:
                found.append(f"{name}: no {probe}")
    return found


GOOD = """
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
        - image: i:1
          ports: [{name: p, containerPort: 1}]
          env: [{name: E, valueFrom: {secretKeyRef: {name: s, key: k}}}]
          volumeMounts: [{name: v, mountPath: /v}]
          startupProbe: {}
          readinessProbe: {}
          livenessProbe: {}
      volumes: [{name: v, configMap: {name: c}}]
---
{kind: Service, metadata: {name: a}, spec: {selector: {app: a}, ports: [{port: 1, targetPort: p}]}}
---
{kind: Secret, metadata: {name: s}, stringData: {k: x}}
---
{kind: ConfigMap, metadata: {name: c}, data: {}}
"""


def self_test():
    """Each check is broken once."""

    def of(text):
        return errors(list(yaml.safe_load_all(text)))

    assert of(GOOD) == [], of(GOOD)
    for old, new, message in [
        ("spec: {selector: {app: a}", "spec: {selector: {app: b}", "matches nothing"),
        ("targetPort: p", "targetPort: q", "no port q"),
        ("matchLabels: {app: a}", "matchLabels: {app: b}", "its own pods"),
        ("name: s}, stringData", "name: t}, stringData", "no Secret s"),
        ("stringData: {k", "stringData: {l", "no key k"),
        ("name: c}, data", "name: d}, data", "no ConfigMap c"),
        ("{name: v, mountPath", "{name: w, mountPath", "no volume w"),
        ("image: i:1", "image: i", "no tag"),
        ("readinessProbe", "other", "no readinessProbe"),
    ]:
        assert old in GOOD, old
        broken = of(GOOD.replace(old, new))
        assert any(message in error for error in broken), (message, broken)


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    failed = False
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for error in errors([resource for resource in yaml.safe_load_all(file) if resource]):
                print(f"{path}: {error}", file=sys.stderr)
                failed = True
    sys.exit(failed)


main()
