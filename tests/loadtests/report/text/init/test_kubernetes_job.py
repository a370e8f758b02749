"""The manifest is held against what the API reference says of each field that it may have."""

from typing import Any

import jsonschema
import pytest
import yaml

from loadtests.environments.external.generators import SECRET
from loadtests.report.text.init import kubernetes_job


def an_object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these fields and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def a_list(items: Any) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
DNS = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
QUANTITY = {"type": "string", "pattern": "^[0-9]+(m|Ki|Mi|Gi)?$"}
LABELS = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}}
SIZES = {"type": "object", "additionalProperties": QUANTITY, "required": ["cpu", "memory"]}

CONTAINER = an_object(
    ("name", "image", "resources", "securityContext"),
    name=DNS,
    image=TEXT,
    command=a_list(TEXT),
    env=a_list(
        an_object(
            ("name", "valueFrom"),
            name=TEXT,
            valueFrom=an_object(secretKeyRef=an_object(("name", "key"), name=DNS, key=TEXT)),
        )
    ),
    ports=a_list(
        an_object(("containerPort",), name={**DNS, "maxLength": 15}, containerPort=NUMBER)
    ),
    resources=an_object(("limits", "requests"), limits=SIZES, requests=SIZES),
    securityContext=an_object(
        privileged={"const": False},
        allowPrivilegeEscalation={"const": False},
        readOnlyRootFilesystem={"const": True},
        capabilities=an_object(drop={"const": ["ALL"]}),
    ),
    volumeMounts=a_list(an_object(("name", "mountPath"), name=DNS, mountPath=TEXT)),
)
POD = an_object(
    ("restartPolicy", "containers"),
    restartPolicy={"const": "Never"},
    automountServiceAccountToken={"const": False},
    enableServiceLinks=FLAG,
    terminationGracePeriodSeconds=NUMBER,
    securityContext=an_object(
        ("runAsNonRoot",),
        runAsNonRoot={"const": True},
        runAsUser={"type": "integer", "minimum": 1},
        runAsGroup=NUMBER,
        seccompProfile=an_object(type={"enum": ["RuntimeDefault", "Localhost"]}),
    ),
    containers=a_list(CONTAINER),
    volumes=a_list(an_object(("name",), name=DNS, emptyDir=an_object(sizeLimit=QUANTITY))),
)
JOB = an_object(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "batch/v1"},
    kind={"const": "Job"},
    metadata=an_object(("name",), name=DNS, namespace=DNS, labels=LABELS),
    spec=an_object(
        ("template",),
        backoffLimit={"const": 0},
        activeDeadlineSeconds={"type": "integer", "minimum": 1},
        ttlSecondsAfterFinished=NUMBER,
        template=an_object(("spec",), metadata=an_object(labels=LABELS), spec=POD),
    ),
)


def test_the_job_has_only_fields_that_the_api_knows_limits_and_no_privileges() -> None:
    document = yaml.safe_load(kubernetes_job.render(image="r.example/g:1", namespace="shop"))

    jsonschema.validate(document, JOB)
    pod = document["spec"]["template"]["spec"]
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize(
    "change",
    [
        {"restartPolicy": "OnFailure"},
        {"hostNetwork": True},
        {"automountServiceAccountToken": True},
        {"containers": []},
    ],
)
def test_the_schema_that_it_is_held_against_refuses_others(change: dict[str, Any]) -> None:
    document = kubernetes_job.job(image="r.example/g:1", namespace=None)
    document["spec"]["template"]["spec"] |= change

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, JOB)


def test_a_process_has_a_whole_core_and_the_secret_is_not_in_the_file() -> None:
    document = kubernetes_job.job(image="r.example/g:1", namespace=None, processes=2)

    container = document["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["cpu"] == "2"
    assert container["resources"]["limits"] == container["resources"]["requests"]
    (variable,) = container["env"]
    assert variable["name"] == SECRET
    assert "value" not in variable
    assert "namespace" not in document["metadata"]
