#!/bin/sh
# Install the free SoundFont MuseScore General where that can be done without asking; else say how.
# Tutti plays its own synthesised instruments without it.
for folder in /usr/share/sounds/sf3 /usr/local/share/sounds/sf3; do
  [ -e "$folder/MuseScore_General.sf3" ] && exit 0
done
package=musescore-general-soundfont
if command -v apt-get >/dev/null 2>&1; then
  root=""
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then root="sudo -n"; else root="none"; fi
  fi
  if [ "$root" != none ]; then
    echo "Installing the SoundFont ($package) …"
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
      { $root apt-get update -qq >/dev/null 2>&1 &&
        DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1; }
    for folder in /usr/share/sounds/sf3 /usr/local/share/sounds/sf3; do
      [ -e "$folder/MuseScore_General.sf3" ] && exit 0
    done
  fi
  echo "For sampled instruments: sudo apt-get install $package (until then Tutti plays synthesised ones)"
else
  echo "For sampled instruments: tutti sounds install FILE|URL of a SoundFont such as MuseScore_General.sf3"
fi
exit 0
