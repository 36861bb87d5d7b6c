#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
# cri.py: what a guest without Kubernetes needs to be a node's kubelet: requests to the container runtime, ready to be posted,
# and an image with nothing but busybox in it. Usage: cri.py BUSYBOX DIRECTORY
# The requests are those of the Container Runtime Interface, v1, as gRPC puts them: a byte, the length, the message. In
# place of the identifiers that only the runtime knows stand 64 times "P" (the pod's) and "C" (the container's).
import hashlib
import io
import json
import struct
import sys
import tarfile

IMAGE = "localhost/busybox:1"
POD, CONTAINER = "P" * 64, "C" * 64


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """A field of a message: a number, text, or a message as bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


# The node's own, which takes no plugin for networks.
NODE_NETWORK = field(1, 2)


def mapping(number, entries):
    return b"".join(field(number, field(1, key) + field(2, value)) for key, value in entries.items())


def pod(name, annotations):
    """A sandbox."""
    return (field(1, field(1, name) + field(2, f"uid-of-{name}") + field(3, "default"))
            + mapping(7, annotations)
            + field(8, field(2, field(1, NODE_NETWORK))))


def container(name, sandbox):
    config = (field(1, field(1, name)) + field(2, field(1, IMAGE))
              + b"".join(field(3, word) for word in ("/bin/busybox", "sleep", "1000"))
              + field(15, field(2, field(3, NODE_NETWORK))))
    return field(1, POD) + field(2, config) + field(3, sandbox)


def image(busybox):
    """As `docker save` and the OCI's image layout have it."""
    with open(busybox, "rb") as file:
        program = file.read()

    def add(tar, name, data, mode=0o644):
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        tar.addfile(info, io.BytesIO(data))

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name in ("dev", "proc", "sys", "etc", "tmp"):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        add(tar, "bin/busybox", program, 0o755)
    blobs = {}

    def blob(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    oci = "application/vnd.oci.image."
    layers = [blob(layer.getvalue(), oci + "layer.v1.tar")]
    config = blob(json.dumps({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": ["/bin/busybox", "sleep", "1000"]},
        "rootfs": {"type": "layers", "diff_ids": [layers[0]["digest"]]},
    }).encode(), oci + "config.v1+json")
    manifest = blob(json.dumps({
        "schemaVersion": 2, "mediaType": oci + "manifest.v1+json", "config": config, "layers": layers,
    }).encode(), oci + "manifest.v1+json")
    manifest["annotations"] = {"io.containerd.image.name": IMAGE}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
        for digest, data in blobs.items():
            add(tar, f"blobs/sha256/{digest}", data)
    return out.getvalue()


def main():
    busybox, directory = sys.argv[1:]
    annotations = {
        "memcg-knobs.io/dirty-limit": "64Mi",
        "memcg-knobs.io/dirty-limit.db": "1Gi",
        "memcg-knobs.io/dirty-background-ratio.db": "2.5",
        "memcg-knobs.io/dirty-min": "lots",
    }
    sandbox = pod("web", annotations)
    requests = {
        "run": field(1, sandbox),
        "app": container("app", sandbox),
        "db": container("db", sandbox),
        "start": field(1, CONTAINER),
        "update": field(1, CONTAINER) + field(2, field(4, 256 << 20)),
    }
    for name, message in requests.items():
        with open(f"{directory}/{name}", "wb") as file:
            file.write(struct.pack(">BI", 0, len(message)) + message)
    with open(f"{directory}/image.tar", "wb") as file:
        file.write(image(busybox))


main()
