-- One and the same GET, formed by wrk itself: what a server does at best on this machine.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")
