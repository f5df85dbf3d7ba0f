#!/bin/sh
# A Slurm of one node for tests: a fake GPU, and a partition whose jobs those of another preempt.
#   tests/cluster/slurm.sh start    installs what is missing (Debian, as root), starts, waits
#   tests/cluster/slurm.sh stop     ends its jobs and daemons, removes its folder
set -eu

# Where Slurm's commands look if there is no /etc/slurm/slurm.conf; gone with the next boot.
# (Not a folder of ours and SLURM_CONF: Snakemake's plugin drops that variable inside a job.)
folder=/run/slurm/conf

fail() {
  echo "error: $*" >&2
  exit 1
}

install_missing() {
  command -v slurmctld >/dev/null && command -v slurmd >/dev/null &&
    command -v srun >/dev/null && command -v munged >/dev/null && return
  echo "installing Slurm and munge"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    slurm-wlm munge >/dev/null
}

# The node claims more than the machine has (config_overrides), so that the profile's requests
# fit as they are. cred_expire is also how long a requeued job waits before it starts again.
configure() {
  host=$(hostname -s)
  mkdir -p $folder/state $folder/spool
  cat >$folder/slurm.conf <<END
ClusterName=rawtone
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmdSpoolDir=$folder/spool
StateSaveLocation=$folder/state
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=5,sched_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=30
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 Gres=gpu:1 State=UNKNOWN
PartitionName=low Nodes=$host Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=60
PartitionName=high Nodes=$host MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
END
  echo "NodeName=$host Name=gpu File=/dev/null" >$folder/gres.conf
  echo "CgroupPlugin=cgroup/v1" >$folder/cgroup.conf
}

start_munge() {
  [ -e $folder/munge.key ] ||
    (umask 077 && dd if=/dev/urandom of=$folder/munge.key bs=128 count=1 2>/dev/null)
  munged --key-file=$folder/munge.key --socket=$folder/munge.socket \
    --pid-file=$folder/munge.pid --log-file=$folder/munge.log --seed-file=$folder/munge.seed
}

answers() {
  command -v sinfo >/dev/null && [ -e $folder/slurm.conf ] &&
    sinfo --noheader --states=idle,mixed,allocated --format=%n 2>/dev/null | grep -q .
}

start() {
  answers && return
  [ "$(id -u)" = 0 ] || fail "only root can start Slurm's daemons"
  [ ! -e /etc/slurm/slurm.conf ] || fail "/etc/slurm/slurm.conf is there; test against that Slurm"
  install_missing
  stop
  configure
  start_munge
  slurmctld -f $folder/slurm.conf
  slurmd -f $folder/slurm.conf
  for _ in $(seq 60); do
    answers && return
    sleep 1
  done
  tail -n 20 $folder/slurmctld.log $folder/slurmd.log >&2
  fail "Slurm did not come up within a minute; above, the ends of its logs"
}

stop() {
  [ -d $folder ] || return 0
  if answers; then
    scancel --state=RUNNING --full --signal=KILL --user=root || true
    scancel --user=root || true
  fi
  for daemon in slurmd slurmctld munge; do
    file=$folder/$daemon.pid
    [ -e $file ] || continue
    kill "$(cat $file)" 2>/dev/null || true
    for _ in $(seq 50); do
      kill -0 "$(cat $file 2>/dev/null || echo 0)" 2>/dev/null && [ -e $file ] || break
      sleep 0.2
    done
  done
  rm -rf $folder
}

case ${1-} in
  start) start ;;
  stop) stop ;;
  *) echo "usage: $0 start | stop" >&2; exit 2 ;;
esac
