-- NDJSON batches, made beforehand by traffic.py and sent in turn. Arguments: the folder, the integration's id, the API key.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")

local requests, at = {}, 0

function init(args)
  local head = string.format(
    "POST /g/%s/events HTTP/1.1\r\nHost: %s:%s\r\nAPI-KEY: %s\r\ncontent-type: application/x-ndjson\r\ncontent-length: ",
    args[2], wrk.host, wrk.port, args[3])
  local file = assert(io.open(args[1] .. "/bodies.bin", "rb"))
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    requests[#requests + 1] = head .. length .. "\r\n\r\n" .. file:read(length)
  end
  file:close()
  assert(#requests > 0, "no bodies")
end

function request()
  at = at % #requests + 1
  return requests[at]
end
