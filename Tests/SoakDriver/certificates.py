"""Certificates for the receivers behind TLS, made with openssl: one authority that the endpoints trust, and one that
nobody knows."""

import os
import subprocess

CONFIG = """
[ca]
default_ca = own
[own]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
email_in_dn = no
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Certificates:
    def __init__(self, directory):
        self.directory = directory
        os.mkdir(directory)
        with open(f"{directory}/ca.conf", "w") as config:
            config.write(CONFIG.format(directory=directory))
        open(f"{directory}/index.txt", "w").close()
        for name in ("authority", "stranger"):
            self.openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        self.issue("right", "IP:127.0.0.1")
        self.issue("tls-expired", "IP:127.0.0.1", ends="20200102000000Z")
        self.issue("tls-wrong-name", "DNS:elsewhere.example")
        self.issue("tls-unknown-ca", "IP:127.0.0.1", by="stranger")
        with open(f"{directory}/authority.pem") as authority:
            self.authority = authority.read()

    def issue(self, name, subject, by="authority", ends="20991231000000Z"):
        self.openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=receiver",
            "-addext", f"subjectAltName={subject}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl(
            "ca", "-batch", "-config", "ca.conf", "-cert", f"{by}.pem", "-keyfile", f"{by}.key", "-notext",
            "-startdate", "20200101000000Z", "-enddate", ends, "-in", f"{name}.csr", "-out", f"{name}.pem")

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.directory, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"openssl {arguments[0]}: {done.stderr.strip()}")

    def load(self, context, name):
        """What a context has loaded counts for connections from then on."""
        context.load_cert_chain(f"{self.directory}/{name}.pem", f"{self.directory}/{name}.key")
