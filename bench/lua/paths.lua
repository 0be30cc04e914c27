-- GETs of paths from a file, in random order, with an API key. Arguments: the file, the key.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")

local requests = {}

function init(args)
  math.randomseed(20240229)
  local headers = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nAPI-KEY: " .. args[2] .. "\r\n\r\n"
  for path in io.lines(args[1]) do requests[#requests + 1] = "GET " .. path .. headers end
  assert(#requests > 0, args[1])
end

function request()
  return requests[math.random(#requests)]
end
