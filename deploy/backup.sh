#!/usr/bin/env bash
# 备份民呼：数据库和照片等文件。服务不用停。SQLite 和 PostgreSQL 都行（PostgreSQL 要装 postgresql-client）。
# Backs up the database and the media folder while the service runs; keeps the newest N generations.
#
#   backup.sh --to 文件夹 [--config minhu.toml] [--media 文件夹] [--keep 14] [--with-key 钥匙文件]
#
# 返回值：0 备份好了；1 写的东西有错，或者备份没有通过检查；2 命令写错了；3 数据库用不了。
set -euo pipefail
umask 077

minhu=${MINHU:-minhu}
config=/etc/minhu/minhu.toml
media=/var/lib/minhu/media
to=""
keep=14
key=""

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "没有备份成：$1" >&2; exit "${2:-1}"; }

while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage ;;
        --to | --config | --media | --keep | --with-key) [ $# -ge 2 ] || usage ;;
        *) usage ;;
    esac
    case $1 in
        --to) to=$2 ;;
        --config) config=$2 ;;
        --media) media=$2 ;;
        --keep) keep=$2 ;;
        --with-key) key=$2 ;;
    esac
    shift 2
done
[ -n "$to" ] || usage
case $keep in '' | *[!0-9]* | 0) usage ;; esac
[ -z "$key" ] || [ -r "$key" ] || fail "读不到钥匙文件 $key"

mkdir -p "$to"
to=$(cd "$to" && pwd)
exec 9>"$to/.lock"
flock --nonblock 9 || fail "另一个备份正在进行"

# Named by the second.
name=minhu-$(date -u +%Y%m%dT%H%M%SZ)
if [ -e "$to/$name" ]; then
    sleep 1
    name=minhu-$(date -u +%Y%m%dT%H%M%SZ)
fi
new=$to/$name
part=$to/.part-$name
rm -rf "$to"/.part-minhu-*
mkdir "$part"
trap 'rm -rf "$part"' EXIT

# Generations are named by their time, so the order of the names is theirs.
generations() { find "$to" -mindepth 1 -maxdepth 1 -type d -name 'minhu-*Z' | sort; }

# The database first: every file it names is in the folder by then, files that come later do no harm.
status=0
"$minhu" db backup "$part/database" --config "$config" >/dev/null || status=$?
[ "$status" = 0 ] || fail "数据库（上面说了为什么）" "$status"

# Files never change once they are there, so one that the last generation has is linked, not copied again.
mkdir "$part/media"
last=$(generations | tail -n 1)
if [ -d "$media" ]; then
    if [ -n "$last" ] && [ -d "$last/media" ]; then
        cp -al "$last/media/." "$part/media/"
    fi
    # A file may be swept between the listing and the copying, which is no failure; what is left is compared below.
    cp -a --update --remove-destination "$media/." "$part/media/" 2>"$part/.errors" || true
    (cd "$part/media" && find . -type f) | while IFS= read -r file; do
        [ -e "$media/$file" ] || rm -f "$part/media/$file"
    done
    (cd "$media" && find . -type f ! -name '*.part' ! -name '*.tmp') | while IFS= read -r file; do
        if [ ! -e "$part/media/$file" ] && [ -e "$media/$file" ]; then
            cat "$part/.errors" >&2
            fail "$media/$file 没有抄过来"
        fi
    done
    rm -f "$part/.errors"
elif grep -Eq '^[[:space:]]*dir[[:space:]]*=' "$config" 2>/dev/null && [ "$media" = /var/lib/minhu/media ]; then
    echo "注意：$media 不存在。照片放在别处的话，请写 --media" >&2
fi
files=$(find "$part/media" -type f | wc -l)

if [ -n "$key" ]; then install -m 600 "$key" "$part/key"; fi
(cd "$part" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -d '\n' sha256sum >SHA256SUMS)
(cd "$part" && find media -type f | sort | xargs -r -d '\n' sha256sum >MEDIA.SHA256SUMS)

sync -f "$part"
mv "$part" "$new"
trap - EXIT
sync -f "$to"
(cd "$new" && sha256sum --quiet --check SHA256SUMS) || fail "写下的和读回的不一样，磁盘可能坏了：$new"

# Only now, when the new one is good, the oldest go.
generations | head -n "-$keep" | while IFS= read -r old; do rm -rf "$old"; done

echo "备份好了：$new（数据库 $(stat -c %s "$new/database") 字节，文件 $files 个；留着 $(generations | wc -l) 份）"
if [ -n "$key" ]; then
    echo "！！钥匙就在这份备份里：谁拿到它，谁就能看到所有人的姓名电话。请锁好。" >&2
else
    cat >&2 <<'END'
！！钥匙（security.key）和配置不在备份里。没有钥匙，这份备份里封存的姓名、电话、原话谁也打不开，民呼的作者也打不开。
！！请把 /etc/minhu 抄到两个 U 盘（或打印钥匙），锁在两个地方，不要和备份放在一起。换了钥匙要重新抄。
END
fi
