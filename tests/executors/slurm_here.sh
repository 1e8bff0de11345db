#!/usr/bin/env bash
# Runs a command beside a Slurm of one node, this machine, which lasts as long as the command does.
#
#     tests/executors/slurm_here.sh .venv/bin/pytest tests/executors/test_slurm.py
#
# It needs root, and Debian's packages slurmctld, slurmd, slurm-client and munge; exit code 77 says what it lacks.
set -euo pipefail
for tool in slurmctld slurmd sbatch munged; do
    command -v "$tool" >/dev/null || { echo "slurm_here: no $tool; expected: apt install slurmctld slurmd slurm-client munge" >&2; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "slurm_here: slurmd needs root" >&2; exit 77; }

here=$(mktemp -d)
host=$(hostname -s)
chmod 755 "$here"
mkdir -m 755 "$here/state" "$here/spool" "$here/munge"
dd if=/dev/urandom of="$here/munge/key" bs=128 count=1 status=none
chmod 400 "$here/munge/key"
cat >"$here/slurm.conf" <<CONF
ClusterName=here
SlurmctldHost=$host(localhost)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
CredType=cred/munge
SlurmctldPort=${SLURM_HERE_PORT:-26817}
SlurmdPort=$((${SLURM_HERE_PORT:-26817} + 1))
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
KillWait=5
MailProg=/bin/true
SchedulerParameters=batch_sched_delay=1,sched_interval=2,requeue_delay=1
NodeName=$host NodeAddr=localhost CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$here/slurm.conf"

munged --foreground --force --socket="$here/munge/socket" --key-file="$here/munge/key" --pid-file="$here/munge/pid" \
    --log-file="$here/munge/log" --seed-file="$here/munge/seed" 2>/dev/null &
munge=$!
slurmctld -D &>/dev/null &
ctl=$!
slurmd -D &>/dev/null &
node=$!
trap 'scancel --me; sleep 1; kill $node $ctl $munge 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$here"' EXIT
for _ in $(seq 60); do
    [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ] && break
    sleep 0.5
done
if [ "$(sinfo --noheader --format=%t 2>/dev/null)" != idle ]; then
    echo "slurm_here: Slurm does not start:" >&2
    tail -n 20 "$here"/*.log "$here/munge/log" >&2
    exit 1
fi
"$@"
