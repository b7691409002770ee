#!/usr/bin/env bash
# 从 backup.sh 做的一份备份恢复。先停服务（systemctl stop minhu），恢复完再启动。
# Restores one generation. The old SQLite database and media folder are kept under another name; PostgreSQL needs an empty database.
#
#   restore.sh 备份文件夹/minhu-20261123T020000Z [--config minhu.toml] [--media 文件夹]
#
# 返回值：0 恢复好了；1 备份坏了、钥匙不对、那里已经有数据；2 命令写错了；3 数据库用不了。
set -euo pipefail
umask 077

minhu=${MINHU:-minhu}
config=/etc/minhu/minhu.toml
media=/var/lib/minhu/media
from=""

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "没有恢复成：$1" >&2; exit "${2:-1}"; }

while [ $# -gt 0 ]; do
    case $1 in
        --config | --media) [ $# -ge 2 ] || usage ;;
        -*) usage ;;
        *)
            [ -z "$from" ] || usage
            from=$1
            shift
            continue
            ;;
    esac
    case $1 in
        --config) config=$2 ;;
        --media) media=$2 ;;
    esac
    shift 2
done
[ -n "$from" ] || usage
[ -f "$from/SHA256SUMS" ] || fail "$from 不是一份备份"
from=$(cd "$from" && pwd)

# Everything is read before anything is touched.
(cd "$from" && sha256sum --quiet --check SHA256SUMS) || fail "备份坏了：$from/database"
if [ -s "$from/MEDIA.SHA256SUMS" ]; then
    (cd "$from" && sha256sum --quiet --check MEDIA.SHA256SUMS) || fail "备份里的文件坏了（上面列出了）。换一份备份"
fi

status=0
"$minhu" db restore "$from/database" --aside --config "$config" || status=$?
[ "$status" = 0 ] || fail "数据库（上面说了为什么）" "$status"

if [ -e "$media" ]; then
    old=$media.before-$(date +%Y%m%dT%H%M%S)
    mv "$media" "$old"
    echo "原来的文件改名留着：$old"
fi
mkdir -p "$(dirname "$media")"
cp -a "$from/media" "$media.part"
mv "$media.part" "$media"
# Run by root, the files are to belong to whom the folder belongs to.
if [ "$(id -u)" = 0 ]; then chown -R --reference="$(dirname "$media")" "$media"; fi

# The chain of events carries keyed hashes: it proves the data and that the key is the right one.
status=0
"$minhu" audit verify --config "$config" || status=$?
[ "$status" = 0 ] || fail "经过对不上：钥匙不是做备份时的那把，或者备份之前数据就坏了" "$status"
echo "恢复好了：$from。现在可以启动民呼。"
