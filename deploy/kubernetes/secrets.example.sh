#!/bin/sh
# Makes the Secrets of README.md in the namespace adjutant. Passwords are made up here; what others gave you is read from variables,
# and a Secret whose variable is not set is left out. Secrets that are there already are left as they are.
set -eu

namespace=${NAMESPACE:-adjutant}

# random BYTES: so many, in hexadecimal digits.
random() {
    od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

# secret NAME KEY=VALUE...
secret() {
    name=$1
    shift
    if kubectl -n "$namespace" get secret "$name" >/dev/null 2>&1; then
        echo "$name is there already"
        return
    fi
    # By standard input, so that no value is in the list of processes.
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata: { name: %s }\nstringData:\n' "$name"
        for pair in "$@"; do
            printf "  %s: '%s'\n" "${pair%%=*}" "$(printf %s "${pair#*=}" | sed "s/'/''/g")"
        done
    } | kubectl -n "$namespace" create -f -
}

for user in admin worker gateway-slack gateway-discord gateway-console api svc-deployments; do
    secret "adjutant-bus-$user" "password=$(random 24)"
done
secret adjutant-nats-route "password=$(random 24)"

[ -z "${SLACK_BOT_TOKEN:-}" ] || secret adjutant-slack "bot-token=$SLACK_BOT_TOKEN" "app-token=${SLACK_APP_TOKEN:?}"
[ -z "${DISCORD_BOT_TOKEN:-}" ] || secret adjutant-discord "bot-token=$DISCORD_BOT_TOKEN"
# The first administrator's key, made on any machine: adjutant --data-dir "$(mktemp -d)" keys bootstrap --quiet
[ -z "${DATABASE_URL:-}" ] || secret adjutant-api "database-url=$DATABASE_URL" "pepper=$(random 32)" \
    "audit-signing-key=$(random 32)" "bootstrap-admin-key=${BOOTSTRAP_ADMIN_KEY:?}"
