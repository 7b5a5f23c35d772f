"""Asks awslabs' CloudTrail MCP server, with the protocol's own client: `ask_mcp.py TOOL JSON`.

Runs in the server's virtual environment; prints the tools and the tool's answer as JSON.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def ask(tool: str, arguments: dict[str, object]) -> dict[str, object]:
    server = StdioServerParameters(
        command=str(Path(sys.executable).with_name("awslabs.cloudtrail-mcp-server")),
        env=dict(os.environ),
    )
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = await session.list_tools()
        answer = await session.call_tool(tool, arguments)
        return {
            "tools": [one.name for one in tools.tools],
            "failed": bool(answer.is_error),
            "text": [one.text for one in answer.content],
        }


print(json.dumps(asyncio.run(ask(sys.argv[1], json.loads(sys.argv[2])))))
