"""An HTTP server that only takes NTLMv2, as pyspnego judges it.

ntlm_server.py USERS [--tls CERTIFICATE KEY] [--bound CERTIFICATE] [--offers SCHEME,...]

USERS is pyspnego's file of names and passwords. With --bound a client has to prove that its TLS connection ends at a server with that
certificate. The first line on stdout is the port; after that there is one line of JSON for each request: which connection, what was
brought along, what was answered. Paths: /forget signs the connection out after the answer, /close closes it, /pieces answers in
three pieces, /silence in one and then in none until the client goes.
"""

import argparse
import base64
import hashlib
import http.server
import json
import os
import ssl
import sys
import threading

os.environ["LM_COMPAT_LEVEL"] = "5"

import spnego
import spnego.channel_bindings
import spnego.exceptions
from cryptography import x509
from cryptography.hazmat.primitives import serialization

ONLY_NTLM = spnego.NegotiateOptions.use_ntlm


def binding(path):
    """What RFC 5929 calls tls-server-end-point of a certificate, in the structure that NTLM hashes."""
    certificate = x509.load_pem_x509_certificate(open(path, "rb").read())
    named = certificate.signature_hash_algorithm
    name = "sha256" if named is None or named.name in ("md5", "sha1") else named.name
    der = certificate.public_bytes(serialization.Encoding.DER)
    digest = hashlib.new(name, der).digest()
    return spnego.channel_bindings.GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


class Connection(http.server.BaseHTTPRequestHandler):
    """One connection: the handler lives as long as it."""

    protocol_version = "HTTP/1.1"
    number = 0
    lock = threading.Lock()

    def setup(self):
        super().setup()
        with Connection.lock:
            Connection.number += 1
            self.number = Connection.number
        self.context, self.user = None, None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        scheme, _, token = (self.headers["Authorization"] or "").partition(" ")
        if token and scheme in self.server.offers:
            self.brought(scheme, base64.b64decode(token), body)
        elif self.user:
            self.serve(body)
        else:
            self.say(401, self.server.offers, b"", "nothing")

    def brought(self, scheme, token, body):
        if token[8] == 1:
            self.context = spnego.server(protocol="ntlm", options=ONLY_NTLM, channel_bindings=self.server.binding)
            answer = base64.b64encode(self.context.step(token)).decode()
            return self.say(401, [f"{scheme} {answer}"], b"", "negotiate")
        context, self.context = self.context, None
        try:
            context.step(token)
            required = self.server.binding
            # The library lets a client off that binds itself to nothing.
            if required and hashlib.md5(required.pack()).digest() not in token:
                raise spnego.exceptions.BadBindingsError(context_msg="not bound")
        except Exception as refusal:
            return self.say(401, self.server.offers, self.server.refusal.encode(), "authenticate", type(refusal).__name__)
        self.user = context.client_principal
        self.serve(body, "authenticate")

    def serve(self, body, brought="connection"):
        if self.path == "/close":
            self.close_connection = True
        if self.path in ("/pieces", "/silence"):
            return self.pieces(brought)
        self.say(200, [], b"seen " + body, brought)
        if self.path == "/forget":
            self.user = None

    def pieces(self, brought):
        self.tell(200, brought)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in [b"one"] if self.path == "/silence" else [b"one", b"two", b"three"]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        if self.path == "/silence":
            self.rfile.read(1)
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def say(self, status, challenges, body, brought, why=None):
        # Told before the client knows, so that whoever has the answer finds the line.
        self.tell(status, brought, why)
        self.send_response(status)
        for challenge in challenges:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def tell(self, status, brought, why=None):
        line = {"connection": self.number, "brought": brought, "status": status, "user": self.user, "why": why}
        with Connection.lock:
            print(json.dumps(line), flush=True)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    tls = None

    def finish_request(self, request, address):
        # In the connection's own thread: a client that never shakes hands must not hold the others up.
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, address)

    def handle_error(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("users")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--bound")
    parser.add_argument("--offers", default="Negotiate,NTLM")
    parser.add_argument("--refusal", default="")
    given = parser.parse_args()
    os.environ["NTLM_USER_FILE"] = given.users
    server = Server(("127.0.0.1", 0), Connection)
    if given.tls:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.set_alpn_protocols(["http/1.1"])
        server.tls.load_cert_chain(*given.tls)
    server.binding = binding(given.bound) if given.bound else None
    server.offers, server.refusal = given.offers.split(","), given.refusal
    print(server.server_address[1], flush=True)
    # Ends with whoever started it.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


main()
