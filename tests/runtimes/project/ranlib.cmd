@Z:\zig\zig.exe ranlib %*
