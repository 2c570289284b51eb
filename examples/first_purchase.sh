#!/usr/bin/env bash
# A first purchase with nothing but curl and openssl; python3 reads and writes the JSON.
#
#     lingdang serve --demo                               # in another terminal
#     examples/first_purchase.sh                          # signed with HMAC-SHA256
#     SIGN_TYPE=MD5 examples/first_purchase.sh            # or with MD5, as WeChat Pay v2 does
#
# Other users of the machine can see the arguments of commands, here the password and the signing key: a program of
# yours uses a library instead.
set -euo pipefail

URL=${URL:-https://127.0.0.1:8443}
CA=${CA:-.lingdang/tls/ca.pem}
CUST_ID=${CUST_ID:-demo}
PASSWORD=${PASSWORD:-demo-demo}
SIGN_TYPE=${SIGN_TYPE:-HMAC-SHA256}
TOKEN=

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }

# value EXPRESSION: a part of the JSON on standard input, e.g. value "['wallet']['balance']"
value() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }

# object NAME=VALUE …: a JSON object of strings; NAME:=VALUE takes the value as JSON
object() {
  python3 -c '
import json, sys
pairs = [argument.partition("=") for argument in sys.argv[1:]]
print(json.dumps({n.rstrip(":"): json.loads(v) if n.endswith(":") else v for n, _, v in pairs}, ensure_ascii=False))' "$@"
}

# call METHOD PATH [BODY]: the answer's body; fails when the server refuses or does not answer
call() {
  local answer='' status=0 trust=()
  [[ $URL == https:* ]] && trust=(--cacert "$CA")
  printf '→ %s %s\n' "$1" "$2" >&2
  answer=$(curl --silent --show-error --fail-with-body --max-time 30 ${trust[@]+"${trust[@]}"} \
    --request "$1" "$URL$2" \
    --header 'Content-Type: application/json' --header "X-Cust-Id: $CUST_ID" \
    --header @<([[ -z $TOKEN ]] || printf 'Authorization: Bearer %s' "$TOKEN") \
    ${3:+--data-binary @<(printf '%s' "$3")}) || status=$?
  ((status == 0)) || printf '%s\n' "$answer" >&2
  printf '%s\n' "$answer"
  return "$status"
}

# signature STRING: by the session's signKey, in upper-case hex
signature() {
  local keyed="$1&key=$SIGN_KEY"
  case $SIGN_TYPE in
    MD5) printf '%s' "$keyed" | openssl dgst -md5 -r ;;
    HMAC-SHA256) printf '%s' "$keyed" | openssl dgst -sha256 -hmac "$SIGN_KEY" -r ;;
    *) echo "SIGN_TYPE is MD5 or HMAC-SHA256" >&2; return 2 ;;
  esac | cut -d ' ' -f 1 | tr a-f A-F
}

say "Sign in as $CUST_ID"
session=$(call POST /v1/sessions "$(object custId="$CUST_ID" password="$PASSWORD" signType="$SIGN_TYPE")")
SIGN_KEY=$(value "['signKey']" <<<"$session")
TOKEN=$(value "['sessionToken']" <<<"$session")

say "Choose three books that are not owned yet"
owned=$(call GET '/v1/entitlements?limit=200')
found=$(call GET '/v1/products?limit=200')
books=()
while IFS= read -r book; do books+=("$book"); done < <(python3 -c '
import json, sys
owned = {right["productId"] for right in json.loads(sys.argv[1])["items"]}
books = [book["productId"] for book in json.load(sys.stdin)["items"] if book["productId"] not in owned]
print("\n".join(books[:3]))' "$owned" <<<"$found")
[[ -n ${books[0]:-} ]] || { echo "Everything on the first page is owned." >&2; exit 1; }

say "① Tick them in the cart"
for book in "${books[@]}"; do
  call PUT "/v1/cart/items/$book" '{"ticked":true}'
done

say "② Check out"
ids=$(python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "${books[@]}")
offer=$(call POST /v1/checkout "$(object productIds:="$ids")")

say "③ Keep the offer and its order token"
order_token=$(value "['orderToken']" <<<"$offer")
echo "order $(value "['orderId']" <<<"$offer"), total $(value "['total']" <<<"$offer"), token ${order_token:0:40}…"

say "④ Sign the payment"
nonce=$(openssl rand -hex 16)
timestamp=$(date +%s)
joined=$(IFS=,; echo "${books[*]}")
string="custId=$CUST_ID&nonce=$nonce&orderToken=$order_token&productIds=$joined&signType=$SIGN_TYPE&timestamp=$timestamp"
sign=$(signature "$string")
echo "string signed: ${string//"$order_token"/${order_token:0:40}…}"
echo "signature:     $sign"

say "⑤ Pay: the same request again is safe, for the order is taken once"
payment=$(object productIds:="$ids" timestamp:="$timestamp" nonce="$nonce" orderToken="$order_token" \
  signType="$SIGN_TYPE" sign="$sign")
for attempt in 1 2 3 4 5; do
  paid=$(call POST /v1/payments "$payment") && break
  refused=$(value "['code']" <<<"$paid" 2>/dev/null || true)
  case $refused in
    '' | overloaded | outcome_unknown | rate_limited | internal_error) sleep "$attempt" ;;
    *) exit 1 ;;
  esac
done
[[ $paid == *'"status":"paid"'* ]] || { echo "No final answer so far." >&2; exit 1; }
echo "$paid"

say "⑥ What is owned now, each with its receipt"
for book in "${books[@]}"; do
  call GET "/v1/entitlements/$book" | cut -c 1-300
done
say "Wallet"
call GET /v1/wallet
