#!/bin/sh
# Prints what a program needs that is linked with the static library, as options of the linker
# (cargo rustc --lib --crate-type staticlib -- --print native-static-libs). Without libgcc_s, of which there is no
# static one: compilers add it, or libgcc_eh with -static, by themselves.
case $(uname -s) in
Darwin) echo "-framework Security -framework CoreFoundation -liconv -lSystem -lm" ;;
*) echo "-lutil -lrt -lpthread -lm -ldl -lc" ;;
esac
