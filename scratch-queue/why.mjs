import {createHook} from 'node:async_hooks'
const m=new Map();createHook({init(id,type){if(type==='Timeout')m.set(id,new Error().stack.split('\n').slice(2,9).join('\n'))},destroy(id){m.delete(id)}}).enable()
setTimeout(()=>{console.error('ACTIVE',process.getActiveResourcesInfo());const c=new Map();for(const s of m.values())c.set(s,(c.get(s)??0)+1);for(const[s,n]of c)console.error(n,s)},60000).unref()
