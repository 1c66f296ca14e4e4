#!/bin/sh
# Prints what a program needs that is linked with the static library, as options of the linker
# (cargo rustc --lib --crate-type staticlib -- --print native-static-libs).
case $(uname -s) in
Darwin) echo "-framework Security -framework CoreFoundation -liconv -lSystem -lm" ;;
*) echo "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc" ;;
esac
