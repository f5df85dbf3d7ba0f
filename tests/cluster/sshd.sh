#!/bin/sh
# A real sshd for tests: own keys and settings in a folder, on 127.0.0.1 alone, keys only.
#
#   sshd.sh install            from Debian, if it is not there; as root
#   sshd.sh start FOLDER PORT  for whoever calls this; FOLDER/key lets them in
#   sshd.sh stop FOLDER        and all its connections
set -eu
PATH=$PATH:/usr/sbin:/sbin

install() {
  command -v sshd >/dev/null && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends openssh-server openssh-client procps >/dev/null
}

start() {
  mkdir -p "$1"
  folder=$(cd "$1" && pwd)
  for key in host_key key; do
    [ -e "$folder/$key" ] || ssh-keygen -q -t ed25519 -N '' -f "$folder/$key"
  done
  cat >"$folder/sshd_config" <<END
ListenAddress 127.0.0.1
Port $2
HostKey $folder/host_key
AuthorizedKeysFile $folder/key.pub
PidFile $folder/pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
END
  # Where root separates privileges; it is gone after a restart, and in most containers.
  [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
  "$(command -v sshd)" -f "$folder/sshd_config" -E "$folder/log"
  tries=0
  until [ -s "$folder/pid" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
  done
}

stop() {
  [ -s "$1/pid" ] || return 0
  daemon=$(cat "$1/pid")
  sessions=$(below "$daemon")
  # shellcheck disable=SC2086  # several numbers
  kill "$daemon" $sessions 2>/dev/null || true
  while kill -0 "$daemon" 2>/dev/null; do sleep 0.1; done
  rm -f "$1/pid"
}

below() {
  for child in $(ps -o pid= --ppid "$1"); do
    echo "$child"
    below "$child"
  done
}

verb=${1-}
case "$verb" in
  install | start | stop) shift; "$verb" "$@" ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
