#!/bin/sh
# Inside fresh network and mount namespaces: a network of two ends of one cable, as Matter's
# discovery needs one that carries multicast, and a /data of the rig's own, where the server's SDK
# insists on keeping its counters. Then waits to be ended.
set -eu
mkdir -p /data
mount --bind "$1" /data
ip link set lo up
ip link add cable type veth peer name socket
ip link set cable up
ip link set socket up
echo "ready {}"
exec sleep infinity
