"""The table of features in bindings/README.md: what each language offers, by what its sources call."""

import re
from pathlib import Path

BEGIN, END = "<!-- table of features: generated -->", "<!-- end of the table -->"

ROOT = Path(__file__).resolve().parents[2]

# Where a language calls the functions of the C ABI, and the names that its generated part gives them.
SOURCES = {
    "C++": ("include", "*.hpp", "saltyrtc_{}"),
    "Python": ("bindings/python/src", "*.py", "native.{}"),
    "Swift": ("bindings/swift/Sources/SaltyRTC", "*.swift", "saltyrtc_{}"),
    "Kotlin": ("bindings/kotlin/saltyrtc/src/main/kotlin", "*.kt", "Functions.{camel}"),
}
# What is generated declares all functions, and calls none by itself.
GENERATED = ("_functions.py", "Generated", "Functions.kt", "CLibrary.kt")

# A feature, the functions of the C ABI that are it (any of them will do), and what it is in Rust.
FEATURES = (
    ("Keys", ("key_pair_generate",), "KeyPair"),
    ("Invitations, as text and as a QR code", ("invitation_qr_code",), "qr_code"),
    ("Another invitation without connecting again", ("client_issue_token",), "issue_token"),
    ("Trusted keys", ("config_set_trusted_peer",), "trust_peer"),
    ("Own certificates of TLS", ("config_add_tls_certificates",), "roots"),
    ("Word of a dead network within a time that is set", ("config_set_response_timeout",), "response_timeout"),
    ("Whether to try again", ("status_retry",), "Retry"),
    ("Relayed data", ("client_send_bytes",), "RelayedData"),
    ("Messages of the application beside the task", ("client_send_application_bytes",), "send_application"),
    ("Custom tasks", ("config_add_custom_task",), "CustomTask"),
    ("Back-pressure", ("client_set_low_water",), "set_low_water"),
    ("Encryption with the keys of the session", ("client_encrypt",), "encrypt_for_peer"),
    ("Built-in WebRTC", ("config_add_rtc_task",), "with_rtc"),
    ("The times after which a silent peer is lost", ("rtc_config_set_unreachable_timeout",), "unreachable_timeout"),
    ("Built-in ORTC", ("rtc_config_set_tasks",), "RtcTasks"),
    ("Statistics of the connection", ("client_rtc_stats",), "rtc_stats"),
    ("Word of another network, addresses of the host", ("client_set_addresses",), "set_addresses"),
    ("WebRTC of the application", ("client_send_offer",), "send_offer"),
    ("ORTC of the application", ("client_send_ortc_message", "client_send_ice_parameters"), "send_ortc"),
    ("Handover of the signalling to the application's channel", ("client_hand_over",), "hand_over"),
    ("Secure data channels of the application", ("secure_channel_new",), "secure_channel"),
    ("Chunking", ("chunker_new",), "Chunker"),
    ("Embedded server", ("server_start",), "Server"),
    ("Log messages", ("log_set_callback", "queue_set_log"), None),
    ("Many clients on one thread", ("client_new_on_queue",), "Client"),
)


def page(description, text):
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + table(description) + END + after


def camel(name):
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def sources(folder, pattern):
    paths = (path for path in sorted((ROOT / folder).rglob(pattern)) if not set(path.parts) & set(GENERATED))
    return "\n".join(path.read_text() for path in paths)


def table(description):
    known = {function["name"] for function in description["functions"]}
    languages = {language: (sources(folder, pattern), name) for language, (folder, pattern, name) in SOURCES.items()}
    rust = sources("src", "*.rs")
    lines = [f"| | {' | '.join(('C', 'Rust', *languages))} |", f"|---|{':-:|' * (2 + len(languages))}"]
    for feature, functions, item in FEATURES:
        for function in functions:
            assert f"saltyrtc_{function}" in known, f"there is no saltyrtc_{function}"
        assert item is None or re.search(rf"\bpub (async )?(fn|struct|enum|mod) {item}\b|\bpub {item}:", rust), item
        cells = [feature, "yes", "yes" if item else "`tracing`"]
        for text, name in languages.values():
            names = (name.format(function, camel=camel(function)) for function in functions)
            cells.append("yes" if any(re.search(rf"\b{re.escape(each)}\b", text) for each in names) else "no")
        lines.append(f"| {' | '.join(cells)} |")
    kinds, statuses = description["event_kinds"], enum(description, "saltyrtc_status")
    lines.append(f"\nBesides, {len(kinds)} kinds of events and {len(statuses)} statuses, each with a name in every language.\n")
    return "\n".join(lines)


def enum(description, name):
    return next(each for each in description["enums"] if each["name"] == name)["values"]
