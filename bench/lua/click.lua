-- Single clicks as GET, no two alike. Arguments: the folder of traffic.py, the integration's id.
-- A device keeps its address, user agent and few publishers and offers, as people do.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "report.lua")

local addresses, agents, devices, heads, offers, tail = {}, {}, {}, {}, {}, nil
local random = math.random

local function lines(name, into, before)
  for line in io.lines(name) do into[#into + 1] = before .. line end
  assert(#into > 0, name)
end

function init(args)
  local folder, id = args[1], args[2]
  math.randomseed(20240229)
  lines(folder .. "/addresses.txt", addresses, "&click_ip=")
  lines(folder .. "/agents.txt", agents, "&user_agent=")
  lines(folder .. "/devices.txt", devices, "&device_id=")
  for sub = 0, 1999 do
    heads[sub] = string.format("GET /g/%s/click?publisher=publisher-%d&sub_id=sub-%d", id, sub % 200, sub)
  end
  for offer = 0, 49 do offers[offer] = "&offer=offer-" .. offer end
  tail = "&no_redirect=true HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n\r\n"
end

function request()
  local device = random(#devices)
  local publisher = (device * 37 + random(0, 4) * 41) % 200
  return heads[publisher + 200 * random(0, 9)]
    .. offers[(device * 13 + random(0, 4) * 7) % 50]
    .. addresses[device % #addresses + 1] .. agents[math.floor(device / 200) % #agents + 1] .. devices[device] .. tail
end
