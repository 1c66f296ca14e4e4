#!/bin/sh
# A browser and a C program that chat and exchange files: prints the link to open and the invitation as a
# QR code, and runs until its input ends (Ctrl-D).
#
#     demo-browser.sh SEND_FILE DIRECTORY [OPTION]...
#
# SEND_FILE is the compiled examples-c/send_file.c, DIRECTORY is for what the browser sends, and options
# are those of `send_file serve`, for instance --ice. Page and signalling server can be reached on this
# machine only.
set -eu

program=$1
received=$2
shift 2
page=$(dirname "$0")/../examples-web

for tool in node npm; do
    command -v $tool >/dev/null || {
        echo "$tool is missing: install Node.js, which the page comes with" >&2
        exit 1
    }
done
npm ci --prefix "$page" --prefer-offline --no-audit --no-fund --silent

mkdir -p "$received"
address=$(mktemp -u)
mkfifo -m 600 "$address"
node "$page/serve.mjs" >"$address" &
web=$!
trap 'kill $web 2>/dev/null; rm -f "$address"' EXIT
# Ctrl-C is for the program, too, which says goodbye first.
trap 'exit 130' INT TERM
# Its first line says that the page can be had. Nothing if it ended.
url=
read -r url <"$address" || true
if [ -z "$url" ]; then
    echo "the web server did not start" >&2
    exit 1
fi

echo "Open the second address below in a browser on this machine. Lines that you type here are chat;" >&2
echo "\`/send FILE\` sends a file, and what the browser sends is put into $received. Ctrl-D ends." >&2
"$program" serve "$received" --page "$url" "$@"
