import { execFileSync, spawn } from 'node:child_process'; import { randomUUID } from 'node:crypto'
import { openQueues, startWorkers } from '../dist-queue/src/jobs/queue.js'
process.on('unhandledRejection',e=>console.log('UNHANDLED',e)); process.on('uncaughtException',e=>console.log('UNCAUGHT',e)); process.on('warning',w=>console.log('WARN',w.message))
const port=54993;let srv;const up=()=>{srv=spawn('redis-server',['--port',port,'--bind','127.0.0.1','--dir','/tmp/bmq/redis','--save','','--appendonly','yes','--appendfsync','always','--appenddirname','r3-'+process.pid],{stdio:'ignore'})};up();await new Promise(r=>setTimeout(r,500))
const settings={databaseUrl:'',redisUrl:'redis://127.0.0.1:'+port}
const defs=Array.from({length:12},(_,i)=>({name:`queue-${i}`,concurrency:2,attempts:3,backoffMs:200}))
let errs=new Map(); const note=(e,x)=>{const k=x.queue.replace(/\d+/,'N')+': '+(e.code??'')+' '+e.message;errs.set(k,(errs.get(k)??0)+1)}
const done=new Map(),runs=new Map(); const client=await openQueues(settings,defs)
const workers=await startWorkers(settings,defs,Object.fromEntries(defs.map(d=>[d.name,async ref=>{runs.set(ref.jobId,(runs.get(ref.jobId)??0)+1);if(ref.storeId==='slow')await new Promise(r=>setTimeout(r,4000));done.get(ref.jobId)?.(performance.now())}])),note)
const send=async(storeId='x',q=0)=>{const id=randomUUID();const p=new Promise(r=>done.set(id,r));for(;;){const t=performance.now();try{await client.enqueue(defs[q],[{storeId,jobId:id}]);break}catch(e){console.log('enqueue',(performance.now()-t).toFixed(0),'ms',e.message);await new Promise(r=>setTimeout(r,500))}}const t=performance.now();return [id,p.then(x=>x-t)]}
const show=l=>{console.log('--',l);for(const[k,v]of errs)console.log('  ',v,k);errs.clear()}
await new Promise(r=>setTimeout(r,1500)); console.log('pickup',await (await send())[1])
execFileSync('redis-cli',['-p',port,'client','kill','type','normal']); console.log('after client kill',await (await send())[1]);await new Promise(r=>setTimeout(r,1500));console.log('later',await (await send('x',3))[1]);show('client kill')
const slow=await Promise.all([0,1].map(i=>send('slow',i)));await new Promise(r=>setTimeout(r,300))
srv.kill('SIGKILL');const t0=performance.now();await client.ping(1000).then(()=>console.log('ping?!'),e=>console.log('ping',e.message));setTimeout(up,5000)
const [,p]=await send('x',7);console.log('accepted after',performance.now()-t0,'picked',await p)
console.log('slow',await Promise.race([Promise.all(slow.map(s=>s[1])),new Promise(r=>setTimeout(r,20000,'timeout'))]));await new Promise(r=>setTimeout(r,10000));console.log('runs',slow.map(s=>runs.get(s[0])),(await client.counts())['queue-0']);show('restart')
for(let i=0;i<3;i++)console.log('pickup after',await (await send('x',i))[1])
srv.kill('SIGKILL');await new Promise(r=>setTimeout(r,300));let t=performance.now();await workers.stop(1000);console.log('stop while away',performance.now()-t);t=performance.now();await client.close();console.log('close while away',performance.now()-t)
