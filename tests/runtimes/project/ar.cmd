@Z:\zig\zig.exe ar %*
