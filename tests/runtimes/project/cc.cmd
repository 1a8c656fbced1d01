@echo off
for %%a in (%*) do if "%%~a"=="-c" goto compile
Z:\zig\zig.exe cc -target x86_64-windows-gnu -nostdlib %* -lucrtbase -lkernel32
exit /b %errorlevel%
:compile
Z:\zig\zig.exe cc -target x86_64-windows-gnu -O1 -fno-sanitize=undefined -fno-stack-protector %*
exit /b %errorlevel%
